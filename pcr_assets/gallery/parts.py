"""Parts of a release: its files, cut where their content says so, and each piece kept once under its SHA-256.

A file that differs little from its last version shares most parts with it: the publisher writes, and the edge fetches, the
others. A file of several parts has a list of them, ``[[sha256, size], …]`` as JSON, which is a part too: the manifest names
the list, so the lists of files that stayed as they were are not fetched again either. Sizes: ``docs/incremental.md``.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pcr_assets import digests, layout
from pcr_assets.resources.artifacts import PublishedFile
from pcr_assets.resources.store import Missing, Store
from pcr_assets.resources.turns import publishing

AVERAGE = {".zip": 64 << 10, ".onnx": 0, ".hef": 0}
"""Bytes of a part on average, by the file's kind; 0 leaves it whole, as another model is another one everywhere."""
AVERAGE_OTHERWISE = 8 << 10
AT_ONCE = 8


def part_key(sha256: str) -> str:
    """Where a part lies in the store."""
    return f"{layout.PARTS}/{sha256}"


def cut(name: str, data: bytes) -> Iterator[bytes]:
    """The pieces of a file, in order. The same bytes are cut at the same places (FastCDC 2020, Xia et al., TPDS 31)."""
    average = AVERAGE.get(Path(name).suffix, AVERAGE_OTHERWISE)
    if not average or len(data) <= average:
        yield data
        return
    from pyfastcdc import FastCDC

    for piece in FastCDC(average).cut_buf(data):
        yield data[piece.offset : piece.offset + piece.length]


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
        cuts = [(digests.of_bytes(piece), piece) for piece in cut(name, path.read_bytes())]
        pieces = dict(cuts)
        entry: dict[str, Any] = {"sha256": file.sha256, "size": file.size}
        if len(cuts) > 1:
            listed = digests.canonical_json([[sha, len(piece)] for sha, piece in cuts])
            entry["parts"] = {"sha256": digests.of_bytes(listed), "size": len(listed)}
            pieces[entry["parts"]["sha256"]] = listed
        lacking = {sha: piece for sha, piece in pieces.items() if sha not in self.present}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda sha: self.store.write(part_key(sha), lacking[sha]), lacking))
        self.present |= lacking.keys()
        self.written += sum(map(len, lacking.values()))
        self.made_of[file.sha256] = list(pieces)
        return entry


def named(store: Store, entry: Mapping[str, Any]) -> list[str]:
    """The SHA-256 of every part that a manifest's entry needs, its list among them. Raises ``Missing``, and ValueError."""
    if "parts" not in entry:
        return [entry["sha256"]]
    listed = store.read(part_key(entry["parts"]["sha256"]))
    if digests.of_bytes(listed) != entry["parts"]["sha256"]:
        raise ValueError(f"{part_key(entry['parts']['sha256'])} is not the list that was published")
    return [entry["parts"]["sha256"], *(sha for sha, _ in json.loads(listed))]
