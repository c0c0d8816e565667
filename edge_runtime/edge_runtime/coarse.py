"""A first pass over all scans: a short list that holds the nearest ones, in a quarter of the time that comparing all takes.

A search waits for memory: each comparison reads a whole vector. Of embeddings most is said by few directions, those in which
they differ most (their principal axes; Pearson, Phil. Mag. 1901). Each scan's part along them stays in memory, an eighth of its
vector; all are compared by those, and the best of them by the whole vector afterwards. Unlike through a graph, every scan is
within reach of every query.
"""

from typing import Any

import numpy as np
from usearch.index import Index

DIRECTIONS = 96
"""Of 768. The short list for 96 scans held the 24 nearest of 17,592 for each of 300 queries; by 64 it lacked 1 in 900."""
SAMPLED = 1024
"""Scans from which the directions are learned."""
LISTED = 128
"""Scans on a short list, at least."""
PER_WANTED = 2
"""Scans on a short list for each one wanted, at least: fetching them takes as long as comparing all."""
PIECE = 1024
"""Vectors that are fetched from an index at once."""


class Coarse:
    """The scans of an index, each by its part along a few directions: float32 N×96, 0.4 MB a thousand scans."""

    def __init__(self, index: Index):
        """The index is read whole, and not kept. The order of the scans in it decides nothing."""
        self._keys = keys = np.sort(index.keys[:])
        sampled = keys[np.linspace(0, len(keys) - 1, min(SAMPLED, len(keys))).astype(int)]
        some = vectors(index, sampled).astype(np.float32)
        _, axes = np.linalg.eigh(some.T @ some)  # ascending: what tells scans apart most comes last
        self._axes = np.ascontiguousarray(axes[:, -DIRECTIONS:], np.float32)
        pieces = (vectors(index, keys[at : at + PIECE]) for at in range(0, len(keys), PIECE))
        self._parts = np.concatenate([piece.astype(np.float32) @ self._axes for piece in pieces])

    def short_list(self, query: np.ndarray, wanted: int) -> np.ndarray:
        """The keys of the scans among which the ``wanted`` nearest ones are to a query float32 D: uint64, in no order."""
        listed = max(LISTED, PER_WANTED * wanted)
        if listed >= len(self._keys):
            return self._keys
        # Not numpy's matrix product: it would wake a thread on each core for half a millisecond of work.
        along = np.einsum("nd,d->n", self._parts, query @ self._axes)
        return self._keys[np.argpartition(along, len(along) - listed)[-listed:]]


def vectors(index: Index, keys: np.ndarray) -> np.ndarray:
    """The vectors of scans that an index holds, float16 N×D: of unit length, but rounded."""
    found: Any = index.get(keys)
    return np.stack(found)
