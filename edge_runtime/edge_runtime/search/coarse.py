"""A first pass over all scans: a short list that holds the nearest ones, in a thirtieth of the time that comparing all takes.

A search waits for memory: each comparison reads a whole vector. Of embeddings most is said by few directions, those in which
they differ most (their principal axes; Pearson, Phil. Mag. 1901). Each scan's part along them stays in memory, as integers
of 8 bits, a twelfth of its vector; all are compared by those, and the best of them by the whole vector afterwards. Unlike through
a graph, every scan is within reach of every query.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numkong
import numpy as np
from threadpoolctl import threadpool_limits
from usearch.index import Index

DIRECTIONS = 128
"""Of 768. The short list for 128 scans held the 24 nearest of 17,592 for 998 of 1,000 queries; by 64 directions for 943."""
SAMPLED = 1024
"""Scans from which the directions are learned."""
LISTED = 192
"""Scans on a short list, at least: as many as the recogniser's searches have, so that one for fewer cards is no worse."""
PER_WANTED = 2
"""Scans on a short list for each one wanted, at least: fetching them takes as long as comparing all."""
EXTRA, PASSES = 64, 3
"""Directions that are followed along with those, and how often: of what those tell apart 99.99 % is found."""
PIECE = 256
"""Vectors that are fetched from an index at once."""
FINEST = 127
"""The largest part along a direction, in steps of int8. A step is some 0.005: the lists are those of float32."""


class Coarse:
    """The scans of an index, each by its part along a few directions: int8 N×128, 0.13 MB a thousand scans."""

    def __init__(self, index: Index, read: Callable[[np.ndarray], np.ndarray] | None = None):
        """The index is read whole, and not kept. The order of the scans in it decides nothing. ``read``: gives its vectors by their
        keys, as :func:`vectors` does, where there is a way that holds less in memory."""
        read = read or partial(vectors, index)
        self._keys = keys = np.sort(index.keys[:])
        sampled = keys[np.linspace(0, len(keys) - 1, min(SAMPLED, len(keys))).astype(int)]
        some = read(sampled).astype(np.float32)
        # Several threads would take a multiple of one's CPU, and longer: they wait for each other.
        with threadpool_limits(1, "blas"):
            self._axes = _directions(some)
            # A unit vector's part can be 1, of embeddings of cards the largest is 0.6: all are measured by the sample's largest.
            largest = np.abs(some @ self._axes).max()
            del some  # 3 MB, at the time at which most is held
            parts = np.empty((len(keys), self._axes.shape[1]), np.int8)
            for at in range(0, len(keys), PIECE):
                piece = read(keys[at : at + PIECE]).astype(np.float32)
                parts[at : at + PIECE] = _in_steps(piece @ self._axes, largest)
        self._parts = numkong.dots_pack(parts)

    def short_list(self, query: np.ndarray, wanted: int) -> np.ndarray:
        """The keys of the scans among which the ``wanted`` nearest ones are to a query float32 D: uint64, in no order; a few more
        where the last ones are equally near."""
        listed = max(LISTED, PER_WANTED * wanted)
        if listed >= len(self._keys):
            return self._keys
        # Not numpy's matrix product: it would wake a thread on each core for microseconds of work.
        part = np.einsum("d,dk->k", query, self._axes)
        steps = np.rint(part * (FINEST / max(np.abs(part).max(), 1e-6))).astype(np.int8)
        along = np.asarray(numkong.dots_packed(steps[None], self._parts))[0]
        # The values alone are parted in half the time that their places would take.
        return self._keys[along >= np.partition(along, -listed)[-listed]]


def _directions(some: np.ndarray) -> np.ndarray:
    """The principal axes of vectors float32 N×D: float32 D×128. By orthogonal iteration (Halko, Martinsson and Tropp, SIAM Review
    2011, with a fixed start): all D of them would take 25 MB for a moment, more than anything else in opening a release.
    """
    products = some.T @ some
    start = np.random.default_rng(0).standard_normal((len(products), DIRECTIONS + EXTRA), np.float32)
    followed = products @ start
    for _ in range(PASSES):
        basis, _ = np.linalg.qr(followed)
        followed = products @ basis
    _, turn = np.linalg.eigh(basis.T @ followed)  # ascending: what tells scans apart most comes last
    return np.ascontiguousarray(basis @ turn[:, -DIRECTIONS:], np.float32)


def vectors(index: Index, keys: np.ndarray) -> np.ndarray:
    """The vectors of scans that an index holds, float16 N×D: of unit length, but rounded."""
    found: Any = index.get(keys)
    return np.concatenate(found).reshape(len(keys), -1)


def by_distance(rows: np.ndarray, query: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order of vectors float16 N×D from the nearest to the farthest, and their distances (1 - cosine), float64 N."""
    distances = np.asarray(numkong.cdist(rows, query.astype(np.float16)[None], "angular"))[:, 0]
    return np.argsort(distances, kind="stable"), distances


def _in_steps(parts: np.ndarray, largest: float) -> np.ndarray:
    return np.clip(np.rint(parts * (FINEST / max(largest, 1e-6))), -FINEST, FINEST).astype(np.int8)
