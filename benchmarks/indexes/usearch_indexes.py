"""uSearch itself: all vectors compared, and its graph (HNSW), both of 16-bit floats in the file that releases hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime  # noqa: F401  (before uSearch, see edge_runtime.gallery)
from device.searching import BEST
from usearch.index import Index


def save_index(vectors: np.ndarray, path: Path, threads: int) -> None:
    """Build and save the index that a release would hold, the row of each vector as its key."""
    index = Index(ndim=vectors.shape[1], metric="cos", dtype="f16")
    index.add(np.arange(len(vectors), dtype=np.uint64), vectors, threads=threads)
    index.save(str(path))


@dataclass(frozen=True)
class Usearch:
    """See :class:`indexes.contest.Kind`."""

    name: str
    exact: bool
    widths: Sequence[int]
    ours: bool = False

    def build(self, vectors: np.ndarray, path: Path, threads: int) -> None:
        """Add all vectors."""
        save_index(vectors, path, threads)

    def open(self, path: Path) -> Callable[[int], Callable[[np.ndarray], np.ndarray]]:
        """Map the file."""
        index = Index.restore(str(path), view=True)
        if index is None:
            raise OSError(f"{path} is no index that uSearch can read")

        def with_width(width: int) -> Callable[[np.ndarray], np.ndarray]:
            index.expansion_search = width
            return lambda query: index.search(query, BEST, exact=self.exact, threads=1).keys

        return with_width


USEARCH = (
    Usearch("uSearch exact", exact=True, widths=(64,)),
    Usearch("uSearch graph", exact=False, widths=(16, 32, 64, 128, 256, 512, 1024)),
)
