"""Parts of a release: its files, cut where their content says so, and each piece kept once under its SHA-256.

A file that differs little from its last version shares most parts with it: the publisher writes, and the edge fetches, the
others. A file of several parts has a list of them, ``[[sha256, size], …]`` as JSON, which is a part too: the manifest names
the list, so the lists of files that stayed as they were are not fetched again either. Sizes: ``docs/incremental.md``.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pcr_assets import digests, layout
from pcr_assets.resources.artifacts import PublishedFile
from pcr_assets.resources.side_by_side import side_by_side
from pcr_assets.resources.store import Missing, Store
from pcr_assets.resources.turns import publishing

AVERAGE = {".zip": 64 << 10, ".onnx": 0, ".hef": 0}
"""Bytes of a part on average, by the file's kind; 0 leaves it whole, as another model is another one everywhere."""
AVERAGE_OTHERWISE = 8 << 10
AT_ONCE = 8


def part_key(sha256: str) -> str:
    """Where a part lies in the store."""
    return f"{layout.PARTS}/{sha256}"


def cut(name: str, path: Path) -> Iterator[bytes]:
    """The pieces of a file, in order, of which one is held at a time. The same bytes are cut at the same places (FastCDC 2020, Xia
    et al., TPDS 31)."""
    average = AVERAGE.get(Path(name).suffix, AVERAGE_OTHERWISE)
    if not average or path.stat().st_size <= average:
        yield path.read_bytes()
        return
    from pyfastcdc import FastCDC

    with path.open("rb") as file:
        for piece in FastCDC(average).cut_stream(file):
            yield bytes(piece.data)


@dataclass
class Parts:
    """The parts of one store. ``present``: those that need no writing; ``known``: manifest entries by the file's SHA-256;
    ``made_of``: the parts of each file, by the same.

    Nothing else in the store is taken for present: what no release names is cleared away some day.
    """

    store: Store
    present: set[str] = field(default_factory=set)
    known: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    made_of: dict[str, list[str]] = field(default_factory=dict)
    written: int = 0
    """Bytes of parts that were written."""

    @classmethod
    def after(cls, store: Store, manifest: Mapping[str, Any]) -> "Parts":
        """The parts that a release in the store already has. One with a lost list counts as a release without that file."""

        def read(entry: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]] | None:
            try:
                return entry, named(store, entry)
            except (Missing, ValueError):
                return None

        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = [each for each in pool.map(read, manifest["files"].values()) if each is not None]
        return cls(
            store,
            {sha for _, names in found for sha in names},
            {entry["sha256"]: entry for entry, _ in found},
            {entry["sha256"]: names for entry, names in found},
        )

    def publish(
        self, files: Mapping[str, PublishedFile], fetch: Callable[[PublishedFile], Path]
    ) -> dict[str, Mapping[str, Any]]:
        """Write the parts of all files that are not known yet; gives the manifest's entry of each file.

        ``fetch`` gives the verified local copy of a file; it is asked for new ones only.
        """
        with publishing(self.store):
            return {
                name: self.known.get(file.sha256) or self._add(name, file, fetch(file)) for name, file in files.items()
            }

    def names(self, files: Mapping[str, PublishedFile]) -> set[str]:
        """The parts of these files, which were published here."""
        return {sha for file in files.values() for sha in self.made_of[file.sha256]}

    def _add(self, name: str, file: PublishedFile, path: Path) -> Mapping[str, Any]:
        cuts: list[tuple[str, int]] = []

        def pieces() -> Iterator[tuple[str, bytes]]:
            for piece in cut(name, path):
                cuts.append((digests.of_bytes(piece), len(piece)))
                yield cuts[-1][0], piece

        self._write(pieces())
        names = [sha for sha, _ in cuts]
        entry: dict[str, Any] = {"sha256": file.sha256, "size": file.size}
        if len(cuts) > 1:
            listed = digests.canonical_json(cuts)
            entry["parts"] = {"sha256": digests.of_bytes(listed), "size": len(listed)}
            self._write([(entry["parts"]["sha256"], listed)])
            names.append(entry["parts"]["sha256"])
        self.made_of[file.sha256] = list(dict.fromkeys(names))
        return entry

    def _write(self, pieces: Iterable[tuple[str, bytes]]) -> None:
        """Write the pieces that lack, by their SHA-256, several at once: the index of a million scans is not held as a whole."""

        def lacking() -> Iterator[tuple[str, bytes]]:
            for sha, piece in pieces:
                if sha not in self.present:
                    self.present.add(sha)
                    yield sha, piece

        def write(part: tuple[str, bytes]) -> int:
            self.store.write(part_key(part[0]), part[1])
            return len(part[1])

        self.written += sum(side_by_side(write, lacking(), AT_ONCE))


def named(store: Store, entry: Mapping[str, Any]) -> list[str]:
    """The SHA-256 of every part that a manifest's entry needs, its list among them. Raises ``Missing``, and ValueError."""
    if "parts" not in entry:
        return [entry["sha256"]]
    listed = store.read(part_key(entry["parts"]["sha256"]))
    if digests.of_bytes(listed) != entry["parts"]["sha256"]:
        raise ValueError(f"{part_key(entry['parts']['sha256'])} is not the list that was published")
    return [entry["parts"]["sha256"], *(sha for sha, _ in json.loads(listed))]
