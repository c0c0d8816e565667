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
from pcr_assets.trust.keys import ROOT_FILE, Keys, TrustError
from pcr_assets.trust.settings import CHANNELS, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Days, expiry

POINTER = layout.TIMESTAMP


def key_of(role: str, version: int) -> str:
    """Where a version of a role's metadata lies in the store."""
    return f"{layout.METADATA}/{version}.{role}.json"


@dataclass
class Repository:
    """The metadata of one store, as they were when it was opened; ``sign`` changes them, ``publish`` shows them to devices."""

    store: Store
    pointer: bytes | None
    """``timestamp.json`` as it was read; None where nothing was ever published."""
    roles: dict[str, Signed]
    """The signed content of each role, to be changed."""
    changed: dict[str, bytes] = field(default_factory=dict)
    """What was signed and is not published yet, by role."""
    overtaken: frozenset[str] = frozenset()
    """Roles that devices refuse, as only a root before the newest entitles their keys; publishing signs them anew."""

    @classmethod
    def open(cls, store: Store, keys: Keys) -> "Repository":
        """Read the metadata of a store, and believe them as a device would, but for their expiry; nothing where there are none.

        What isn't signed as the keys' own root asks for is never signed again. Raises :class:`TrustError`.
        """
        pointer = read_if_there(store, POINTER)
        if pointer is None:
            return cls(store, None, {})
        try:
            roles, overtaken = _believed(store, pointer, keys)
        except (Missing, RepositoryError, ValueError, KeyError) as error:
            raise TrustError(
                f"the metadata in {store.root}/{layout.METADATA} can't be believed ({error}): restore them from a backup. Making "
                "new ones would need every device to trust a new root"
            ) from error
        return cls(store, pointer, roles, overtaken=overtaken)

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
        if self.pointer is not None and role not in self.changed:
            signed.version += 1
        signed.expires = expiry(role, days)
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

    def take_up_root(self) -> bool:
        """Take the first root of a publisher that was killed before devices saw anything: it may be pinned already.

        False where there is none. Raises :class:`TrustError` for one that entitles other keys.
        """
        data = read_if_there(self.store, key_of(ROOT, 1))
        if data is None:
            return False
        metadata: Metadata[Root] = Metadata.from_bytes(data)
        root, ours = metadata.signed, self.root
        if (root.type, root.keys, root.roles) != (ROOT, ours.keys, ours.roles) or not _entitles(root, ROOT, data):
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
        if not (self.changed or self.overtaken or renew):
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
        self.changed, self.overtaken = {}, frozenset()
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


def _signed_bytes(signed: Signed, signers: list[Any]) -> bytes:
    metadata: Metadata[Any] = Metadata(signed)
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata.to_bytes()


def _believed(store: Store, pointer: bytes, keys: Keys) -> tuple[dict[str, Signed], frozenset[str]]:
    """The content of all roles that a timestamp leads to, verified from root to channels; and which of them were overtaken."""
    roots = _root_chain(store, keys)
    data = {TIMESTAMP: pointer}
    timestamp = _verified(pointer, TIMESTAMP, roots)
    data[SNAPSHOT] = store.read(key_of(SNAPSHOT, timestamp.snapshot_meta.version))
    snapshot = _verified(data[SNAPSHOT], SNAPSHOT, roots)
    data[TARGETS] = store.read(key_of(TARGETS, snapshot.meta[f"{TARGETS}.json"].version))
    targets = _verified(data[TARGETS], TARGETS, roots)
    channels = {
        name: _verified(store.read(key_of(name, snapshot.meta[f"{name}.json"].version)), name, [targets])
        for name in CHANNELS
    }
    overtaken = frozenset(role for role in data if not _entitles(roots[-1], role, data[role]))
    return {ROOT: roots[-1], TARGETS: targets, **channels, SNAPSHOT: snapshot, TIMESTAMP: timestamp}, overtaken


def _root_chain(store: Store, keys: Keys) -> list[Root]:
    """All roots, the first one first, each signed by itself and the one before; the one that lies with the keys is among them."""
    pinned, found = keys.remembered_root(), False
    chain: list[Root] = []
    while (data := read_if_there(store, key_of(ROOT, len(chain) + 1))) is not None:
        metadata: Metadata[Root] = Metadata.from_bytes(data)
        for delegator in (*chain[-1:], metadata.signed):
            delegator.verify_delegate(ROOT, metadata.signed_bytes, metadata.signatures)
        found = found or data == pinned
        chain.append(metadata.signed)
    if pinned is not None and not found:
        raise RepositoryError(_why_not_found(pinned, len(chain)))
    if not chain:
        raise RepositoryError("it has no root")
    return chain


def _why_not_found(pinned: bytes, roots: int) -> str:
    """Of so many roots among which there is not the one that lies with the keys."""
    newest: int = Metadata.from_bytes(pinned).signed.version
    if newest <= roots:
        return "its roots are others than the one that lies with the keys"
    return f"{roots + 1}.root.json is gone" + f", and lies with the keys as {ROOT_FILE}" * (newest == roots + 1)


def _verified(data: bytes, role: str, delegators: list[Any]) -> Any:
    """A role's content, signed as one of its delegators asks for.

    A publisher that was killed while it replaced a key leaves metadata that only the root before entitled.
    """
    signed = Metadata.from_bytes(data).signed
    if not any(_entitles(delegator, role, data) for delegator in delegators):
        raise RepositoryError(f"{role} is not signed as its publisher asks for")
    return signed


def _entitles(delegator: Any, role: str, data: bytes) -> bool:
    """Whether a role's metadata are signed as a root, or the targets, ask for."""
    metadata: Metadata[Any] = Metadata.from_bytes(data)
    try:
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except RepositoryError:
        return False
    return True
