"""One index after the other: built on all cores, saved, opened again by its own way of mapping, searched on one core."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from device.searching import SAME, on_one_core

from indexes.faiss_indexes import FAISS
from indexes.gallery_search import GallerySearch
from indexes.usearch_indexes import USEARCH

Search = Callable[[np.ndarray], np.ndarray]


class Kind(Protocol):
    """A kind of index. ``widths``: how wide it can be searched, narrow first; ``ours`` is searched as devices do."""

    name: str
    ours: bool
    widths: Sequence[int]

    def build(self, vectors: np.ndarray, path: Path, threads: int) -> None:
        """Build over unit vectors float32 N×D and save."""

    def open(self, path: Path) -> Callable[[int], Search]:
        """Open what was saved, without reading all of it where that can be. Gives, for a width, the search of one query."""


KINDS: dict[str, Kind] = {kind.name: kind for kind in (GallerySearch(), *USEARCH, *FAISS)}


@dataclass(frozen=True)
class Rival:
    """What one index took. ``width``: the narrowest search that reached the recall, or the widest there is; ``megabytes``: of
    its file."""

    name: str
    ours: bool
    width: int
    recall: float
    milliseconds: float
    milliseconds_95th: float
    build_seconds: float
    open_milliseconds: float
    megabytes: float

    def as_json(self) -> dict[str, Any]:
        """The row, rounded."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


def compared(vectors: np.ndarray, queries: np.ndarray, asked: float, work: Path, names: Sequence[str]) -> list[Rival]:
    """The indexes of these names over the same vectors; prints a line for each."""
    nearest = np.concatenate([(queries[at : at + 16] @ vectors.T).max(axis=1) for at in range(0, len(queries), 16)])
    rivals = []
    for name in names:
        rival = _measured(KINDS[name], vectors, queries, nearest, asked, work)
        rivals.append(rival)
        print(
            f"{len(vectors):>9,} {rival.name:22} recall {rival.recall:.4f} at {rival.width:>4}: {rival.milliseconds:8.3f} ms, "
            f"built in {rival.build_seconds:7.1f} s, opened in {rival.open_milliseconds:7.1f} ms, {rival.megabytes:8.1f} MB",
            file=sys.stderr,
        )
    return rivals


def _measured(
    kind: Kind, vectors: np.ndarray, queries: np.ndarray, nearest: np.ndarray, asked: float, work: Path
) -> Rival:
    path = work / kind.name.replace(" ", "-")
    start = time.perf_counter()
    kind.build(vectors, path, len(os.sched_getaffinity(0)))
    built = time.perf_counter() - start
    start = time.perf_counter()
    opened = kind.open(path)
    opening = time.perf_counter() - start
    with on_one_core():
        for width in kind.widths:
            search = opened(width)
            search(queries[0])
            found, spent = [], []
            for query in queries:
                start = time.perf_counter()
                found.append(int(search(query)[0]))
                spent.append(1e3 * (time.perf_counter() - start))
            recall = float(np.mean(np.sum(queries * vectors[found], axis=1) >= nearest - SAME))
            if recall >= asked:
                break
    median, late = np.percentile(spent, (50, 95))
    size = path.stat().st_size / 1e6
    path.unlink()
    return Rival(kind.name, kind.ours, width, recall, float(median), float(late), built, 1e3 * opening, size)
