"""What is referred to: by pointers, by the releases that are kept, by devices that run one, by the project's manifests."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pcr_assets import layout
from pcr_assets.gallery.parts import named
from pcr_assets.resources.artifacts import AT_ONCE
from pcr_assets.resources.side_by_side import side_by_side
from pcr_assets.resources.store import Entry, Missing, Store, StoreError, read_if_there
from pcr_assets.tidy.found import DAY, Keep
from pcr_assets.trust.lost import why_unsigned

MANIFESTS = "metadata"
"""The folder of JSON files in which a version or a release may be named."""


@dataclass(frozen=True)
class Releases:
    """The releases of a store: when each was written, and which stay."""

    written: Mapping[str, float]
    kept: frozenset[str]
    parts: frozenset[str]
    """The SHA-256 of every part that a kept release names."""
    files: frozenset[str]
    """The SHA-256 of every file of a kept release."""


def pointed(store: Store, names: Iterable[str]) -> tuple[set[str], str]:
    """The keys of all files that the pointers of these artifacts name, and all that the pointers say, as one text.

    Raises StoreError for a pointer that can't be read.
    """
    pointers = [pointer for name in names if (pointer := _json(store, f"{name}/current.json"))]
    keys = {file["key"] for pointer in pointers for file in pointer["files"].values()}
    return keys, json.dumps([pointer["record"] for pointer in pointers])


def mentions(store: Store) -> str:
    """All that the project's manifests say, as one text: what stands in it is referred to."""
    keys = [entry.key for entry in store.list(MANIFESTS) if entry.key.endswith(".json")]
    return "\n".join(data.decode(errors="replace") for data in side_by_side(store.read, keys, AT_ONCE))


def releases(store: Store, entries: Sequence[Entry], keep: Keep, mentioned: str) -> Releases:
    """The releases among the ``entries`` below ``releases/``, and which stay.

    The newest ones; those that a pointer, a device's note or a manifest names; and those that a newer one replaced lately. A
    release that comes back by a pointer keeps its parts as well. Raises StoreError where a kept one doesn't say what it needs.
    """
    if keep.releases < 1:
        raise StoreError(f"{keep.releases} releases can't be kept: the current one always is, so keep 1 or more")
    manifests = {entry.key.split("/")[1]: entry for entry in entries if _is_manifest(entry)}
    written = {name: when(entry) for name, entry in manifests.items()}
    served = _served(store)
    newest = sorted(written, key=lambda name: (-written[name], name not in served))  # S3 tells whole seconds
    replaced = {older: written[newer] for newer, older in pairwise(newest)}
    kept = {*newest[: keep.releases], *served, *_running(store, entries, keep)}
    kept |= {name for name in newest if keep.is_young(written[name]) or name in mentioned}
    kept |= {name for name, at in replaced.items() if keep.now - at <= keep.days * DAY}
    keys = [manifests[name].key for name in sorted(kept & manifests.keys())]
    held = [manifest or {} for manifest in side_by_side(lambda key: _json(store, key), keys, AT_ONCE)]
    files = [entry for manifest in held for entry in manifest["files"].values()]
    return Releases(
        written,
        frozenset(kept & manifests.keys()),
        frozenset(_parts(store, files)),
        frozenset(entry["sha256"] for entry in files),
    )


def when(entry: Entry) -> float:
    """When an object was written. Raises StoreError where the store doesn't tell."""
    if entry.modified is None:
        raise StoreError(f"the store doesn't tell when {entry.key} was written: nothing was removed")
    return entry.modified


def _is_manifest(entry: Entry) -> bool:
    return entry.key.count("/") == 2 and entry.key.endswith("/manifest.json")


def _served(store: Store) -> set[str]:
    """The releases that the current artifact and the signed metadata name, those a channel may go back to among them."""
    current = _json(store, f"{layout.RELEASES}/current.json")
    found = {str(current["version"])} if current else set()
    timestamp = _json(store, layout.TIMESTAMP)
    if timestamp is None:
        if any(not entry.key.endswith("/") for entry in store.list(layout.METADATA)):
            raise StoreError(f"{why_unsigned(store)}. What channels offer is unknown meanwhile: nothing was removed")
        return found
    snapshot = _signed(store, f"{timestamp['signed']['meta']['snapshot.json']['version']}.snapshot.json")
    for file, meta in snapshot["meta"].items():
        targets = _signed(store, f"{meta['version']}.{file}")["targets"].values()
        found |= {str(target["custom"]["release_id"]) for target in targets}
    return found


def _signed(store: Store, name: str) -> dict[str, Any]:
    """What one file of metadata says. Raises StoreError where it can't be read."""
    said = _json(store, f"{layout.METADATA}/{name}")
    if said is None:
        raise StoreError(
            f"{store.root}/{layout.METADATA}/{name} is missing, so what it refers to is unknown: nothing was removed"
        )
    return dict(said["signed"])


def _running(store: Store, entries: Iterable[Entry], keep: Keep) -> set[str]:
    """What devices run by their notes, several read at once: a publisher waits meanwhile. One that can't be read says nothing."""

    def running(key: str) -> str | None:
        try:
            return str(json.loads(store.read(key))["release_id"])
        except (Missing, ValueError, KeyError, TypeError, RecursionError):
            return None

    notes = [entry for entry in entries if entry.key.startswith(f"{layout.IN_USE}/")]
    heard = [entry.key for entry in notes if keep.now - when(entry) <= keep.device_days * DAY]
    return {release for release in side_by_side(running, heard, AT_ONCE) if release is not None}


def _parts(store: Store, files: Sequence[Mapping[str, Any]]) -> set[str]:
    """The parts of all files. A release shares nearly all of them with the one before, so each list is read once."""
    lists = {entry.get("parts", entry)["sha256"]: entry for entry in files}
    try:
        found = side_by_side(lambda entry: named(store, entry), lists.values(), AT_ONCE)
        return {sha for names in found for sha in names}
    except (Missing, ValueError) as error:
        raise StoreError(
            f"a kept release names a list of parts that can't be read ({error}): nothing was removed. "
            "`make refresh` writes the current release's parts again"
        ) from error


def _json(store: Store, key: str) -> dict[str, Any] | None:
    data = read_if_there(store, key)
    try:
        return None if data is None else dict(json.loads(data))
    except (ValueError, TypeError) as error:
        raise StoreError(
            f"{store.root}/{key} can't be read ({error}), so what it refers to is unknown: nothing was removed"
        ) from error
