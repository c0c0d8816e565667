"""``python -m pcr_assets.prune``: remove old releases, and the parts that no kept release names.

Safe beside a publisher at work: nothing younger than a set age is removed. A publisher takes no part for present but those
of the current release, which is always kept, and writes all others anew.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from pcr_assets import layout
from pcr_assets.gallery.parts import AT_ONCE, named
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import Entry, Missing, Store, StoreError

KEEP = 3
HOURS = 24.0


@dataclass(frozen=True)
class Pruned:
    """What became of the releases: ids of the kept and the removed ones, parts and bytes that were removed."""

    kept: tuple[str, ...]
    removed: tuple[str, ...]
    parts: int
    size: int


def prune(store: Store, keep: int = KEEP, older_than: float = HOURS * 3600, now: float | None = None) -> Pruned:
    """Keep the newest ``keep`` releases, the current one and those that a channel names, and all parts that they name.

    Nothing that was written in the last ``older_than`` seconds is removed. Raises StoreError when ``keep`` is no positive
    number, or when the list of a kept release's parts can't be read: what it names can't be told then.
    """
    if keep < 1:
        raise StoreError(f"{keep} releases can't be kept: the current one always is, so keep 1 or more")
    entries, before = list(store.list(layout.RELEASES)), (time.time() if now is None else now) - older_than
    releases = _releases(entries)
    newest = sorted(releases, key=lambda release_id: -_when(releases[release_id]))
    kept = {*newest[:keep], *_served(store), *(name for name in releases if _when(releases[name]) > before)}
    needed = {sha for name in sorted(kept & set(releases)) for sha in _named(store, releases[name])}
    removed = [name for name in newest if name not in kept]
    gone = [entry for entry in entries if entry.key.split("/")[1] in removed]
    parts = [
        entry
        for entry in entries
        if entry.key.startswith(f"{layout.PARTS}/")
        and entry.key.rpartition("/")[2] not in needed
        and _when(entry) <= before
    ]
    # Manifests go first: none may name a part that is gone.
    gone.sort(key=lambda entry: not entry.key.endswith("/manifest.json"))
    for entries_ in (gone, parts):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda entry: store.remove(entry.key), entries_))
    return Pruned(
        tuple(name for name in newest if name in kept),
        tuple(removed),
        len(parts),
        sum(entry.size for entry in (*gone, *parts)),
    )


def _releases(entries: Sequence[Entry]) -> dict[str, Entry]:
    """The manifest of each release."""
    found = {entry.key.split("/")[1]: entry for entry in entries if entry.key.endswith("/manifest.json")}
    return {name: entry for name, entry in found.items() if entry.key == f"{layout.RELEASES}/{name}/manifest.json"}


def _served(store: Store) -> set[str]:
    """The releases that the current artifact and the signed metadata name, those a channel may go back to among them."""
    found = set()
    with suppress(Missing):
        found.add(str(json.loads(store.read(f"{layout.RELEASES}/current.json"))["version"]))
    try:
        timestamp = json.loads(store.read(f"{layout.METADATA}/timestamp.json"))
    except Missing:
        return found
    version = timestamp["signed"]["meta"]["snapshot.json"]["version"]
    snapshot = json.loads(store.read(f"{layout.METADATA}/{version}.snapshot.json"))
    for file, meta in snapshot["signed"]["meta"].items():
        role = json.loads(store.read(f"{layout.METADATA}/{meta['version']}.{file}"))
        found |= {str(target["custom"]["release_id"]) for target in role["signed"]["targets"].values()}
    return found


def _named(store: Store, manifest: Entry) -> list[str]:
    files = json.loads(store.read(manifest.key))["files"].values()
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [sha for shas in pool.map(lambda entry: named(store, entry), files) for sha in shas]
    except (Missing, ValueError) as error:
        raise StoreError(
            f"{manifest.key} names a list of parts that can't be read ({error}): nothing was removed. "
            "`make build ASSET=edge_release` writes the current release's parts again"
        ) from error


def _when(entry: Entry) -> float:
    if entry.modified is None:
        raise StoreError(f"the store doesn't tell when {entry.key} was written: nothing was removed")
    return entry.modified


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pcr_assets.prune", description="Remove old releases and their parts."
    )
    parser.add_argument("--keep", type=int, default=KEEP, help=f"releases to keep (default: {KEEP})")
    parser.add_argument(
        "--hours", type=float, default=HOURS, help=f"keep whatever is younger than so many hours (default: {HOURS:.0f})"
    )
    given = parser.parse_args(argv)
    try:
        done = prune(Project().root, given.keep, given.hours * 3600)
    except StoreError as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"removed {len(done.removed)} releases and {done.parts} parts, {done.size / 1e6:.1f} MB; "
        f"kept {', '.join(done.kept) or 'none, for there is none'}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
