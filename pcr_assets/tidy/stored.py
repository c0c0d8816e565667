"""What lies in the store and is referred to by nothing: releases and their parts, versions, shards, what killed writers left."""

import re
from collections.abc import Iterable, Iterator, Set
from functools import partial
from pathlib import PurePosixPath

from pcr_assets import layout
from pcr_assets.resources.ahead import FILES, NOTES
from pcr_assets.resources.artifacts import NUMBERED, number_of
from pcr_assets.resources.store import Entry, Store
from pcr_assets.resources.turns import CLEARING, PUBLISHING
from pcr_assets.tidy.found import DAY, Keep, Leaving
from pcr_assets.tidy.references import Releases, mentions, pointed, releases, when

VERSION = re.compile(rf"[0-9a-f]{{16}}(-\d+)?|{NUMBERED.pattern}")
"""What a version folder is called, by digest or by number. All others are none of ours."""
CLAIMS = ".claims"


def unreferenced(store: Store, names: Iterable[str], keep: Keep) -> Iterator[Leaving]:
    """What may go. ``names``: the artifacts of the graph; what lies elsewhere, the raw cards above all, is not even listed.

    Raises StoreError, and then nothing may: when a pointer, a kept release or the time of an object can't be read.
    """
    mentioned = mentions(store)
    entries = list(_objects(store, layout.RELEASES))
    found = releases(store, entries, keep, mentioned)
    yield from _releases(entries, found, keep)
    yield from _claims(store.list(f"{layout.RELEASES}/{CLAIMS}"), found.kept, keep)
    artifacts = sorted(set(names) - {layout.RELEASES})
    needed, records = pointed(store, artifacts)
    for name in artifacts:
        yield from _versions(store, name, needed, records, found, mentioned, keep)
    for left in store.unfinished():
        # Publishers announce themselves while the store is cleared, and on a clock that runs ahead what is new looks old.
        announced = left.key.startswith((f"{PUBLISHING}/", f"{CLEARING}/"))
        if not announced and not keep.is_young(left.modified):
            yield Leaving(
                "unfinished write",
                "its writer was killed",
                left.size,
                left.modified,
                remove=partial(store.drop, left),
            )


def _releases(entries: Iterable[Entry], found: Releases, keep: Keep) -> Iterator[Leaving]:
    why = f"not among the newest {keep.releases}, nobody runs it, replaced over {keep.days:g} days ago"
    for entry in entries:
        place, _, name = entry.key.removeprefix(f"{layout.RELEASES}/").rpartition("/")
        if keep.is_young(when(entry)):
            continue
        if f"{layout.RELEASES}/{place}" == layout.PARTS:
            if name not in found.parts:
                yield _object("part", "no kept release names it", entry)
        elif f"{layout.RELEASES}/{place}" == layout.IN_USE:
            if keep.now - when(entry) > keep.device_days * DAY:
                yield _object("device's note", f"older than {keep.device_days:g} days", entry)
        elif VERSION.fullmatch(place) and place not in found.kept:
            yield _object("release", why if place in found.written else "its publisher was killed", entry)


def _versions(
    store: Store, name: str, needed: set[str], records: str, found: Releases, mentioned: str, keep: Keep
) -> Iterator[Leaving]:
    """Files of one artifact that nothing refers to. A numbered version is a model: it stays or goes as a whole."""
    held: dict[str, list[Entry]] = {}
    for entry in _objects(store, name):
        held.setdefault(entry.key.removeprefix(f"{name}/").split("/")[0], []).append(entry)
    claims = {_version(claim): claim for claim in store.list(f"{name}/{CLAIMS}")}
    numbers = {version: number for version in held if (number := number_of(version))}
    models = sorted(numbers, key=lambda version: numbers[version], reverse=True)
    stays = set(models[: keep.releases])
    stays |= {version for version in models if any(entry.key in needed for entry in held[version])}
    stays |= {version for version in models if version not in claims or _shipped(store, claims[version], found)}
    stays |= {version for version in held if VERSION.fullmatch(version) and f"{name}/{version}" in mentioned}
    for version, entries in held.items():
        if version in stays:
            continue
        for entry in entries:
            if entry.key in needed or keep.is_young(when(entry)):
                stays.add(version)  # its claim too
            elif VERSION.fullmatch(version):
                yield _object("version", f"no pointer names it: {name}", entry)
            elif version == FILES:
                yield _object("shard", f"no pointer names it: {name}", entry)
            elif version == NOTES and PurePosixPath(entry.key).stem not in records:
                yield _object("note of a shard", f"no record names what it was made from: {name}", entry)
    yield from _claims(claims.values(), stays, keep)


def _claims(claims: Iterable[Entry], stays: Set[str], keep: Keep) -> Iterator[Leaving]:
    for claim in claims:
        if _version(claim) not in stays and not keep.is_young(when(claim)):
            yield _object("claim", "of a version that is gone", claim)


def _version(claim: Entry) -> str:
    return claim.key.rpartition("/")[2]


def _shipped(store: Store, claim: Entry, found: Releases) -> bool:
    """Whether a kept release holds a file of a version, by the version's claim: the digests of its files as JSON."""
    return any(sha in found.files for sha in re.findall("[0-9a-f]{64}", store.read(claim.key).decode(errors="replace")))


def _objects(store: Store, below: str) -> Iterator[Entry]:
    """The objects below a prefix, without the markers of empty folders."""
    return (entry for entry in store.list(below) if not entry.key.endswith("/"))


def _object(kind: str, why: str, entry: Entry) -> Leaving:
    return Leaving(kind, why, entry.size, when(entry), key=entry.key)
