"""The metadata in a store: read as they are now, changed in memory, signed, and published in an order that is safe to break off.

Every file but one is written once, under its version: first what is new of roles, then the snapshot that names them, last
``timestamp.json``, swapped on the condition that it is still the one that was read. Before that swap no device sees any of it;
a publisher that was killed leaves versions that nobody names, and the next one takes higher ones. A new root alone is found by
its number: it is written just before the swap, and what a publisher that was killed in between left is signed anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Signed,
    Snapshot,
    Targets,
    Timestamp,
)

from edge_runtime.releases.proof import SIGNED_AT
from pcr_assets import layout
from pcr_assets.resources.store import Missing, Moved, Store, read_if_there
from pcr_assets.trust.belief import UNDER_ROOT, believed, entitles, key_of
from pcr_assets.trust.keys import ROOT_FILE, Keys, TrustError
from pcr_assets.trust.settings import CHANNELS, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Days, expiry

POINTER = layout.TIMESTAMP


@dataclass
class Repository:
    """The metadata of one store, as they were when it was opened; ``sign`` changes them, ``publish`` shows them to devices."""

    store: Store
    pointer: bytes | None
    """``timestamp.json`` as it was read; None where nothing was ever published."""
    roles: dict[str, Signed]
    """The signed content of each role, to be changed."""
    overtaken: frozenset[str] = frozenset()
    """Roles that devices refuse, as only a root before the newest entitles their keys; publishing signs them anew."""
    taken_up: bool = False
    """Whether the pointer was lost, and the one that lies with the keys stands for it until it is signed anew."""
    changed: dict[str, bytes] = field(default_factory=dict)
    """What was signed and is not published yet, by role."""

    @classmethod
    def open(cls, store: Store, keys: Keys) -> "Repository":
        """Read the metadata of a store, and believe them as a device would, but for their expiry; nothing where there are none.

        What isn't signed as the keys' own root asks for is never signed again. Raises :class:`TrustError`.
        """
        pointer = read_if_there(store, POINTER)
        if pointer is None:
            return cls(store, None, {})
        return cls(store, pointer, *_believed(store, pointer, keys))

    @property
    def root(self) -> Root:
        """Which keys may sign for root, targets, snapshot and timestamp."""
        return self._role(ROOT, Root)

    @property
    def targets(self) -> Targets:
        """Which keys may sign for which channel."""
        return self._role(TARGETS, Targets)

    @property
    def snapshot(self) -> Snapshot:
        """Which versions of roles belong together."""
        return self._role(SNAPSHOT, Snapshot)

    @property
    def timestamp(self) -> Timestamp:
        """Which snapshot is the newest."""
        return self._role(TIMESTAMP, Timestamp)

    def channel(self, name: str) -> Targets:
        """What a channel offers."""
        return self._role(name, Targets)

    def _role(self, name: str, kind: type[Any]) -> Any:
        found = self.roles.get(name)
        if not isinstance(found, kind):
            raise TrustError(f"{self.store.root} has no {name} metadata: `python -m pcr_assets.trust init` makes them")
        return found

    def entitled(self, role: str) -> Any:
        """Key ids and threshold of a role."""
        delegator = self.targets if role in CHANNELS else self.root
        return delegator.get_delegated_role(role)

    def sign(self, role: str, keys: Keys, days: Days, former: Iterable[str] = ()) -> None:
        """Sign a role's content as its next version. ``former``: key ids of the root before, which sign a new root too.

        Raises :class:`TrustError` where fewer keys are at hand than the role asks for.
        """
        entitled, signed = self.entitled(role), self.roles[role]
        signers = keys.of(entitled.keyids)
        if len(signers) < entitled.threshold:
            raise TrustError(
                f"{role} must be signed by {entitled.threshold} of its keys, of which {len(signers)} are in "
                f"{', '.join(map(str, keys.folders))}: put the key's file there, or name its folder with --keys or in PCR_KEYS"
            )
        if (self.pointer is not None or self.taken_up) and role not in self.changed:
            signed.version += 1
        signed.expires = expiry(role, days)
        if role == TIMESTAMP:
            signed.unrecognized_fields[UNDER_ROOT] = self.root.version
        if role in (ROOT, TIMESTAMP):
            signed.unrecognized_fields[SIGNED_AT] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}+00:00"
        before = keys.of(keyid for keyid in former if keyid not in entitled.keyids)
        self.changed[role] = _signed_bytes(signed, [*signers, *before])

    def require_own(self, keys: Keys) -> None:
        """Raises :class:`TrustError` where the keys have signed for another store than this one, or for this one before its
        metadata went: a new beginning would entitle keys again that were replaced, and part all devices from their publisher."""
        pinned = keys.remembered_root()
        if pinned is not None and read_if_there(self.store, key_of(ROOT, 1)) != pinned:
            raise TrustError(
                f"the keys in {', '.join(map(str, keys.folders))} have signed already, and what they signed is not in "
                f"{self.store.root}: for another store name other keys in PCR_KEYS; if it was here, restore {layout.METADATA} "
                f"from a backup. To begin anew, with a new root to pin on every device, move {ROOT_FILE} away from the keys first"
            )

    def take_up(self, keys: Keys) -> bool:
        """Go on from the timestamp that lies with the keys, where that in the store is lost. False where none lies there.

        To begin anew would forget which keys of channels were replaced. Raises :class:`TrustError` where it leads to nothing.
        """
        last = keys.remembered_timestamp()
        if last is None:
            return False
        self.roles, self.overtaken = _believed(self.store, last, keys)
        self.taken_up = True
        return True

    def take_up_root(self) -> bool:
        """Take the first root of a publisher that was killed before devices saw anything: it may be pinned already.

        False where there is none. Raises :class:`TrustError` for one that entitles other keys.
        """
        data = read_if_there(self.store, key_of(ROOT, 1))
        if data is None:
            return False
        metadata: Metadata[Root] = Metadata.from_bytes(data)
        root, ours = metadata.signed, self.root
        if (root.type, root.keys, root.roles) != (ROOT, ours.keys, ours.roles) or not entitles(root, ROOT, data):
            raise TrustError(
                f"{self.store.root}/{key_of(ROOT, 1)} entitles other keys than these, and no metadata belong to it: find its keys. "
                f"If devices trust it already, restore {POINTER} from a backup; if not, remove {layout.METADATA} and run again"
            )
        self.roles[ROOT], self.changed[ROOT] = root, data
        return True

    def number_after_lost(self) -> None:
        """Let the first metadata follow those that lie there, but without the timestamp that named them: devices have seen them,
        and take nothing of a lower version. A timestamp is never ahead of its snapshot."""
        for entry in self.store.list(layout.METADATA):
            version, _, role = entry.key.rpartition("/")[2].removesuffix(".json").partition(".")
            if role in self.roles and role != ROOT and version.isdecimal():
                self.roles[role].version = max(self.roles[role].version, int(version) + 1)
        self.timestamp.version = self.snapshot.version

    def expires_within(self, role: str, share: float, days: Days) -> bool:
        """Whether less than a share of a role's time is left."""
        return self.roles[role].expires - datetime.now(UTC) < days.of(role) * share

    def publish(self, keys: Keys, days: Days, *, renew: bool = False) -> bool:
        """Show devices what was signed, under a new snapshot and timestamp. False where there was nothing, and no ``renew``.

        Raises ``Moved`` when another publisher was faster: nothing of this one is seen then.
        """
        self._mend_root_copy()
        if not (self.changed or self.overtaken or self.taken_up or renew):
            return False
        if TARGETS in self.overtaken and TARGETS not in self.changed:
            self.sign(TARGETS, keys, days)
        for role in [role for role in self.changed if role != ROOT]:
            self._write(role, keys)
        for role in (TARGETS, *CHANNELS):
            if role in self.changed:
                self.snapshot.meta[f"{role}.json"] = MetaFile.from_data(
                    self.roles[role].version, self.changed[role], ["sha256"]
                )
        self.sign(SNAPSHOT, keys, days)
        self._write(SNAPSHOT, keys)
        self.timestamp.snapshot_meta = MetaFile.from_data(self.snapshot.version, self.changed[SNAPSHOT], ["sha256"])
        self.sign(TIMESTAMP, keys, days)
        if ROOT in self.changed:
            self._write(ROOT, keys)
            self.store.write(layout.ROOT_COPY, self.changed[ROOT])
            keys.remember_root(self.changed[ROOT])
        self.store.swap(POINTER, self.changed[TIMESTAMP], self.pointer)
        self.pointer = self.changed[TIMESTAMP]
        keys.remember_timestamp(self.pointer)
        self.changed, self.overtaken, self.taken_up = {}, frozenset(), False
        return True

    def _mend_root_copy(self) -> None:
        """Put the newest root where a person takes it from, if it is gone: it is written there with each new root alone."""
        if self.pointer is not None and ROOT not in self.changed:
            newest = self.store.read(key_of(ROOT, self.root.version))
            if read_if_there(self.store, layout.ROOT_COPY) != newest:
                self.store.write(layout.ROOT_COPY, newest)

    def _write(self, role: str, keys: Keys) -> None:
        """Write a role's new version where none lies. Others may lie there that a killed publisher left, and nobody names."""
        signed = self.roles[role]
        while not self.store.create(key_of(role, signed.version), self.changed[role]):
            if self.store.read(key_of(role, signed.version)) == self.changed[role]:
                return
            if role == ROOT:  # a device goes from root to root, so no version may be left out
                raise Moved(f"{self.store.root}/{key_of(role, signed.version)}")
            signed.version += 1
            self.changed[role] = _signed_bytes(signed, keys.of(self.entitled(role).keyids))


def _believed(store: Store, pointer: bytes, keys: Keys) -> tuple[dict[str, Signed], frozenset[str]]:
    try:
        return believed(store, pointer, keys)
    except (Missing, RepositoryError, ValueError, KeyError) as error:
        raise TrustError(
            f"the metadata in {store.root}/{layout.METADATA} can't be believed ({error}): restore them from a backup. Making "
            "new ones would need every device to trust a new root"
        ) from error


def _signed_bytes(signed: Signed, signers: list[Any]) -> bytes:
    metadata: Metadata[Any] = Metadata(signed)
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata.to_bytes()
