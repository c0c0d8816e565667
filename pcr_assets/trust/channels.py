"""What is said of releases: publish one, promote one, renew what would expire, replace a key. Each is one change that devices see
at once or not at all.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuf.api.metadata import TargetFile, Targets

from edge_runtime.releases.proof import target_path
from pcr_assets import digests
from pcr_assets.resources.store import Store
from pcr_assets.trust.first_metadata import first_roles
from pcr_assets.trust.keys import Keys, TrustError, make_key, make_keys
from pcr_assets.trust.metadata import Repository
from pcr_assets.trust.settings import CHANNELS, ROLES, ROOT, SNAPSHOT, STABLE, TARGETS, TIMESTAMP, Days, TrustSettings

HISTORY = 3
"""Releases that a channel names: its newest, and those before it that may be promoted once more."""
PROMOTED = "promoted"
"""Beside a release that a person made a channel's newest."""
RENEW_AT = 0.5
"""What has less than this share of its time left is signed anew."""


def path_of(channel: str, release_id: str) -> str:
    """What a release's manifest is called in a channel's metadata as long as the channel remembers it."""
    return f"{channel}/{release_id}.json"


def initialised(store: Store, folders: Sequence[Path], days: Days, *, may_make: bool) -> tuple[Repository, Keys]:
    """The metadata of a store and the keys, both made where there are none yet.

    ``may_make``: make keys where the folder has none; a folder that a person named is never filled by itself.
    """
    keys = Keys(folders)
    repository = Repository.open(store, keys)
    if repository.pointer is None:
        if may_make and not _begun(keys):
            make_keys(folders[0], dict.fromkeys(ROLES, 1))
            keys = Keys(folders)
        begin(repository, keys, days)
    return repository, keys


def rehearse(store: Store, folders: Sequence[Path], settings: TrustSettings, *, may_make: bool) -> None:
    """Sign what a release is published with, and throw it away: nothing is made or written. Raises :class:`TrustError` where
    publishing one would, which is asked before hours of work."""
    keys = Keys(folders)
    repository = Repository.open(store, keys)
    if repository.pointer is None:
        if may_make and not _begun(keys):
            repository.require_own(keys)
            return
        begin(repository, keys, settings.days)
    for role in (*repository.overtaken & {TARGETS}, *settings.channels, SNAPSHOT, TIMESTAMP):
        repository.sign(role, keys, settings.days)


def _begun(keys: Keys) -> bool:
    """Whether there is a key that was made for a role."""
    return any(keys.named(role) for role in ROLES)


def begin(repository: Repository, keys: Keys, days: Days, root_threshold: int = 1) -> None:
    """Sign the first metadata of a store that has none, of channels that offer nothing; ``publish`` shows them.

    Where only the timestamp was lost nothing begins anew: the one that lies with the keys tells what there was.
    """
    if repository.pointer is not None:
        raise TrustError(
            f"{repository.store.root} has metadata already: `python -m pcr_assets.trust show` tells what they say"
        )
    repository.require_own(keys)
    if repository.take_up(keys):
        return
    repository.roles = first_roles(keys, root_threshold)
    repository.number_after_lost()
    if not repository.take_up_root():
        repository.sign(ROOT, keys, days)
    for role in (TARGETS, *CHANNELS):
        repository.sign(role, keys, days)


def publish_release(
    repository: Repository,
    keys: Keys,
    settings: TrustSettings,
    release_id: str,
    manifest: bytes,
    *,
    again: bool = False,
) -> bool:
    """Offer a release in the channels of the settings. False where they offer it already and nothing needs to be renewed.

    ``again``: it is the one that was made last, of which something is mended. Where a person took it back, it does not return.
    """
    sha256, size = digests.of_bytes(manifest), len(manifest)
    for channel in settings.channels:
        offered = repository.channel(channel)
        if again and _was_taken_back(offered, channel, release_id):
            continue
        if _offer(offered, channel, release_id, sha256, size):
            repository.sign(channel, keys, settings.days)
    stale = repository.pointer is not None and repository.expires_within(TIMESTAMP, RENEW_AT, settings.days)
    return repository.publish(keys, settings.days, renew=stale)


def _was_taken_back(targets: Targets, channel: str, release_id: str) -> bool:
    """Whether a channel offered a release, and a person promoted another one since."""
    newest, named = (targets.targets.get(path) for path in (target_path(channel), path_of(channel, release_id)))
    return newest is not None and named is not None and bool(newest.custom.get(PROMOTED))


def _offer(targets: Targets, channel: str, release_id: str, sha256: str, size: int, **besides: bool) -> bool:
    """Make a release a channel's newest. False where it is that already."""
    before = targets.targets.get(target_path(channel))
    if before is not None and before.hashes.get("sha256") == sha256:
        return False
    remembered = [
        path for path in _in_order(targets) if path not in (target_path(channel), path_of(channel, release_id))
    ]
    kept = {path: targets.targets[path] for path in remembered[-(HISTORY - 1) :]}
    said = {"release_id": release_id, "order": _order(before) + 1 if before else 1, **besides}
    made = {
        path: TargetFile(size, {"sha256": sha256}, path, {"custom": dict(said)})
        for path in (path_of(channel, release_id), target_path(channel))
    }
    targets.targets = {**kept, **made}
    return True


def _order(target: TargetFile) -> int:
    """Which release of its channel a target is, counted from the first: JSON keeps no order of paths."""
    return int(target.custom["order"])


def _in_order(targets: Targets) -> list[str]:
    return sorted(targets.targets, key=lambda path: _order(targets.targets[path]))


def promote(
    repository: Repository, keys: Keys, settings: TrustSettings, release_id: str, channel: str = STABLE
) -> bool:
    """Offer a release in a channel that some channel's signed metadata name; what lies in the store is not asked.

    False where it is the channel's newest already. Raises :class:`TrustError` for a release that none names.
    """
    known = {
        release: repository.channel(name).targets[path_of(name, release)]
        for name in CHANNELS
        for release in releases_in(repository, name)
    }
    if release_id not in known:
        raise TrustError(
            f"no channel names {release_id}: {', '.join(known) or 'none'} may be promoted. A new release is published by "
            "`make build ASSET=edge_release`"
        )
    target = known[release_id]
    offered, sha256 = repository.channel(channel), target.hashes["sha256"]
    if not _offer(offered, channel, release_id, sha256, target.length, **{PROMOTED: True}):
        return False
    repository.sign(channel, keys, settings.days)
    return repository.publish(keys, settings.days)


def releases_in(repository: Repository, channel: str) -> list[str]:
    """The releases that a channel names, the newest last."""
    paths = [path for path in _in_order(repository.channel(channel)) if path != target_path(channel)]
    return [path.removeprefix(f"{channel}/").removesuffix(".json") for path in paths]


def offering(repository: Repository, release_id: str) -> list[str]:
    """The channels of which a release is the newest."""
    return [name for name in CHANNELS if releases_in(repository, name)[-1:] == [release_id]]


@dataclass(frozen=True)
class Renewed:
    """The roles that were signed anew, and those that will expire whose keys are not at hand."""

    signed: tuple[str, ...]
    waiting: tuple[str, ...]


def renew(repository: Repository, keys: Keys, days: Days, share: float = RENEW_AT) -> Renewed:
    """Sign the timestamp and the snapshot anew, and whatever else has less than a share of its time left, keys permitting."""
    due = [role for role in (ROOT, TARGETS, *CHANNELS) if repository.expires_within(role, share, days)]
    signed, waiting = [], []
    for role in due:
        entitled = repository.entitled(role)
        if len(keys.of(entitled.keyids)) < entitled.threshold:
            waiting.append(role)
            continue
        repository.sign(role, keys, days)
        signed.append(role)
    repository.publish(keys, days, renew=True)
    return Renewed((*signed, SNAPSHOT, TIMESTAMP), tuple(waiting))


def replace_key(repository: Repository, keys: Keys, days: Days, role: str, folder: Path) -> list[Path]:
    """Entitle new keys, as many as there were, instead of those of a role; gives the files of the old ones that are at hand.

    Whoever still holds an old one signs for nobody from then on: devices learn it with the next root, or the next targets.
    """
    delegator = repository.targets if role in CHANNELS else repository.root
    old = list(repository.entitled(role).keyids)
    files = [file for keyid in old if (file := keys.file(keyid))]
    made = [make_key(folder, name) for name in _free_names(folder, role, len(old))]
    fresh = Keys(list(dict.fromkeys([*keys.folders, folder])))
    for keyid in old:
        delegator.revoke_key(keyid, role)
    for signer in made:
        delegator.add_key(signer.public_key, role)
    try:
        repository.sign(TARGETS if role in CHANNELS else ROOT, fresh, days, former=old if role == ROOT else ())
        if role in (TARGETS, *CHANNELS):
            repository.sign(role, fresh, days)
    except TrustError:  # nothing was published: no key is left behind that signs for nobody
        for signer in made:
            if path := fresh.file(signer.public_key.keyid):
                path.unlink()
        raise
    repository.publish(fresh, days)
    return files


def _free_names(folder: Path, role: str, count: int) -> list[str]:
    """Names for new key files of a role."""
    names = (f"{role}-{number}" for number in itertools.count(2))
    return list(itertools.islice((name for name in names if not (folder / f"{name}.pem").exists()), count))
