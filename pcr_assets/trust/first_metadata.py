"""What a publisher's metadata say before anything was published."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tuf.api.metadata import DelegatedRole, Delegations, Root, Signed, Snapshot, Targets, Timestamp

from pcr_assets.trust.keys import Keys, TrustError
from pcr_assets.trust.settings import CHANNELS, ROOT, SNAPSHOT, TARGETS, TIMESTAMP


def first_roles(keys: Keys, root_threshold: int) -> dict[str, Signed]:
    """The content of all roles, of version 1, by the keys that were made for them. Raises :class:`TrustError` where one lacks."""
    soon = datetime.now(UTC) + timedelta(days=1)  # signing sets what holds
    root = Root(expires=soon)
    targets = Targets(expires=soon, delegations=Delegations({}, {}))
    for name in CHANNELS:
        assert targets.delegations and targets.delegations.roles is not None
        targets.delegations.roles[name] = DelegatedRole(name, [], 1, True, [f"{name}/*"])
    for role in (ROOT, TARGETS, SNAPSHOT, TIMESTAMP, *CHANNELS):
        delegator: Any = targets if role in CHANNELS else root
        made, threshold = keys.named(role), root_threshold if role == ROOT else 1
        if len(made) < threshold:
            raise TrustError(
                f"{', '.join(map(str, keys.folders))} has no {role}.pem: `python -m pcr_assets.trust init` makes all keys in an "
                "empty folder"
            )
        for signer in made:
            delegator.add_key(signer.public_key, role)
        delegator.get_delegated_role(role).threshold = threshold
    return {
        ROOT: root,
        TARGETS: targets,
        **{name: Targets(expires=soon) for name in CHANNELS},
        SNAPSHOT: Snapshot(expires=soon),
        TIMESTAMP: Timestamp(expires=soon),
    }
