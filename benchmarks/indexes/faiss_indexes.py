"""FAISS: flat and scalar-quantized comparison of all vectors, HNSW, and inverted files (Douze et al., arXiv:2401.08281)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from device.searching import BEST

TRAINED_ON = 40
"""Vectors a cell that inverted files are trained on."""


def library() -> Any:
    """FAISS. Ends this program with a sentence where it is not installed."""
    try:
        import faiss
    except ImportError as error:
        raise SystemExit("FAISS is not installed: pip install -c constraints.txt -e '.[bench]'") from error
    return faiss


@dataclass(frozen=True)
class Faiss:
    """See :class:`indexes.contest.Kind`. ``recipe``: as FAISS's index factory reads it; {cells} stands for 4√N."""

    name: str
    recipe: str
    widths: Sequence[int] = (0,)
    parameter: str | None = None
    ours: bool = False

    def build(self, vectors: np.ndarray, path: Path, threads: int) -> None:
        """Train where there is something to train, add, save."""
        faiss = library()
        faiss.omp_set_num_threads(threads)
        cells = int(4 * math.sqrt(len(vectors)))
        index = faiss.index_factory(vectors.shape[1], self.recipe.format(cells=cells), faiss.METRIC_INNER_PRODUCT)
        if not index.is_trained:
            index.train(vectors[:: max(1, len(vectors) // (TRAINED_ON * cells))])
        index.add(vectors)
        faiss.write_index(index, str(path))

    def open(self, path: Path) -> Callable[[int], Callable[[np.ndarray], np.ndarray]]:
        """Map the file where this kind can be mapped."""
        faiss = library()
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)

        def with_width(width: int) -> Callable[[np.ndarray], np.ndarray]:
            faiss.omp_set_num_threads(1)
            if self.parameter:
                faiss.ParameterSpace().set_index_parameter(index, self.parameter, width)
            return lambda query: index.search(query[None], BEST)[1][0]

        return with_width


FAISS = (
    Faiss("FAISS flat", "Flat"),
    Faiss("FAISS 16-bit flat", "SQfp16"),
    Faiss("FAISS HNSW", "HNSW32", (16, 32, 64, 128, 256, 512, 1024), "efSearch"),
    Faiss("FAISS IVF", "IVF{cells},SQfp16", (1, 2, 4, 8, 16, 32, 64, 128), "nprobe"),
)
