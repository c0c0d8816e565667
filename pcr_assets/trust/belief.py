"""What a publisher believes of the metadata in its store, before it signs any of them anew.

Whoever may write into the store may put something else there: old metadata with good signatures, or what keys signed that have
been replaced since. So each file must be the one that the file above it names, up to the timestamp, and that must be no older than
the one which lies with the keys.
"""

from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Signed

from pcr_assets import layout
from pcr_assets.resources.store import Store, read_if_there
from pcr_assets.trust.keys import ROOT_FILE, TIMESTAMP_FILE, Keys
from pcr_assets.trust.settings import CHANNELS, ROOT, SNAPSHOT, TARGETS, TIMESTAMP

UNDER_ROOT = "x-root"
"""A field of timestamps: the version of the newest root when they were signed."""


def key_of(role: str, version: int) -> str:
    """Where a version of a role's metadata lies in the store."""
    return f"{layout.METADATA}/{version}.{role}.json"


def believed(store: Store, pointer: bytes, keys: Keys) -> tuple[dict[str, Signed], frozenset[str]]:
    """The content of all roles that a timestamp leads to, verified from root to channels; and which of them were overtaken.

    Raises Missing, RepositoryError, ValueError and KeyError for what is not to be believed.
    """
    roots = _root_chain(store, keys)
    entitling = _since_the_last(roots, keys)
    timestamp = _verified(pointer, TIMESTAMP, entitling)
    _require_no_older(timestamp, keys)
    data = {TIMESTAMP: pointer, SNAPSHOT: _named(store, SNAPSHOT, timestamp.snapshot_meta)}
    snapshot = _verified(data[SNAPSHOT], SNAPSHOT, entitling)
    data[TARGETS] = _named(store, TARGETS, snapshot.meta[f"{TARGETS}.json"])
    targets = _verified(data[TARGETS], TARGETS, entitling)
    channels = {
        name: _verified(_named(store, name, snapshot.meta[f"{name}.json"]), name, [targets]) for name in CHANNELS
    }
    overtaken = frozenset(role for role in data if not entitles(roots[-1], role, data[role]))
    return {ROOT: roots[-1], TARGETS: targets, **channels, SNAPSHOT: snapshot, TIMESTAMP: timestamp}, overtaken


def _since_the_last(roots: list[Root], keys: Keys) -> list[Root]:
    """The roots that may entitle what lies in the store: the newest, and those before it, back to the one that these keys published
    under last. Later ones may be of a publisher that was killed while it replaced a key; what an earlier one entitled was replaced.
    """
    last = _last(keys)
    return roots[last.unrecognized_fields.get(UNDER_ROOT, 1) - 1 :] if last else roots


def _require_no_older(timestamp: Any, keys: Keys) -> None:
    last = _last(keys)
    if last and timestamp.version < last.version:
        raise RepositoryError(
            f"its timestamp.json has the number {timestamp.version}, and the last one that these keys signed, which lies with "
            f"them, {last.version}: an old copy"
        )


def _last(keys: Keys) -> Any:
    data = keys.remembered_timestamp()
    try:
        return Metadata.from_bytes(data).signed if data else None
    except RepositoryError as error:
        raise RepositoryError(f"the {TIMESTAMP_FILE} that lies with the keys is damaged: remove that") from error


def _named(store: Store, role: str, meta: MetaFile) -> bytes:
    """A role's file as the metadata above it name it: a later version may lie there, or an earlier one under its name."""
    key = key_of(role, meta.version)
    data = store.read(key)
    try:
        meta.verify_length_and_hashes(data)
    except RepositoryError as error:
        raise RepositoryError(f"{key} is not the one that was signed: {error}") from error
    return data


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
    if not any(entitles(delegator, role, data) for delegator in delegators):
        raise RepositoryError(f"{role} is not signed as its publisher asks for")
    return signed


def entitles(delegator: Any, role: str, data: bytes) -> bool:
    """Whether a role's metadata are signed as a root, or the targets, ask for."""
    metadata: Metadata[Any] = Metadata.from_bytes(data)
    try:
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except RepositoryError:
        return False
    return True
