"""Ours: a gallery's search as devices make it. Whether all scans are compared, and how, depends on how many there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from device.searching import BEST

from edge_runtime.gallery import COLUMNS, Gallery
from indexes.usearch_indexes import save_index


@dataclass(frozen=True)
class GallerySearch:
    """See :class:`indexes.contest.Kind`. Each vector is the only scan of a card."""

    name: str = "ours"
    ours: bool = True
    widths: Sequence[int] = (0,)

    def build(self, vectors: np.ndarray, path: Path, threads: int) -> None:
        """The index of a release, and its catalogue beside it."""
        save_index(vectors, path, threads)
        rows = (f"{row},{row},,,,{row}" for row in range(len(vectors)))
        path.with_suffix(".csv").write_text("\n".join([",".join(COLUMNS), *rows]))

    def open(self, path: Path) -> Callable[[int], Callable[[np.ndarray], np.ndarray]]:
        """Open both, and make what short lists need."""
        gallery = Gallery.open(path, path.with_suffix(".csv"))
        return lambda _: lambda query: np.array([match.key for match in gallery.search(query[None], BEST)[0]])
