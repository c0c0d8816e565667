"""The vectors of an index, each read from its file when it is asked for.

A search looks at two hundred vectors of many thousands. In a mapped file each takes its neighbours along: after one search most
of the file is counted as memory of this process. Reading takes as long, and little of it is kept: a card that is followed is near
the same vectors on each frame.
"""

import mmap
import os
import struct
import weakref
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from usearch.index import Index

from edge_runtime.search.coarse import PIECE, vectors

HEAD = struct.Struct("<II")
"""What an index's file begins with: how many vectors, and the bytes of each. They follow, in an order of their own."""
COMPONENT = np.dtype(np.float16)
SCATTERED = 32
"""Vectors that are looked at between two times that the file's pages are let go: each brings 64 KB of them into memory."""
KEPT = 2048
"""Vectors that were read last and are kept, 3.3 MB: as many as ten cards look at."""


class VectorFile:
    """The vectors of an index's file, float16, by the keys of their scans; reads from any thread at once."""

    def __init__(self, path: Path, keys: np.ndarray, offsets: np.ndarray, dim: int):
        """``keys``: uint64 N, ascending; ``offsets``: where in the file the vector of each begins."""
        self.path = path
        self._keys = keys
        self._offsets = offsets
        self._dim = dim
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._file)
        self._read = lru_cache(KEPT)(partial(os.pread, self._file, dim * COMPONENT.itemsize))

    @classmethod
    def open(cls, path: Path, pages: mmap.mmap, index: Index) -> "VectorFile | None":
        """The vectors in a file that is mapped as ``pages`` and was opened as ``index``. None unless all of them are found there,
        equal to those that the index gives: another version of uSearch may lay them out otherwise.
        """
        size = int(index.ndim) * COMPONENT.itemsize
        if pages[: HEAD.size] != HEAD.pack(len(index), size) or len(pages) < HEAD.size + len(index) * size:
            return None
        rows = np.frombuffer(pages, np.uint8, len(index) * size, HEAD.size).reshape(-1, size)
        places: dict[int, int] = {}
        for at in range(0, len(rows), PIECE):
            piece = rows[at : at + PIECE]
            places |= {hash(row.tobytes()): place for place, row in enumerate(piece, at)}  # of twins one will do
            let_go(pages)
        keys = np.sort(index.keys[:])
        found = []
        for at in range(0, len(keys), SCATTERED):
            given = vectors(index, keys[at : at + SCATTERED])
            place = [places.get(hash(row.tobytes()), 0) for row in given]
            if given.dtype != COMPONENT or not np.array_equal(rows[place], given.view(np.uint8)):
                return None
            found += place
            let_go(pages)
        return cls(path, keys, HEAD.size + np.array(found, np.int64) * size, int(index.ndim))

    def forget(self) -> None:
        """Keep none of what was read."""
        self._read.cache_clear()

    def vectors(self, keys: np.ndarray, keep: bool = True) -> np.ndarray:
        """The vectors of scans that the index has, float16 N×D. ``keep``: these may be asked for again soon. Raises EOFError where
        the file is shorter by now."""
        size = self._dim * COMPONENT.itemsize
        offsets = self._offsets[np.searchsorted(self._keys, keys)].tolist()
        read_one = self._read if keep else self._read.__wrapped__
        read = b"".join([read_one(offset) for offset in offsets])
        if len(read) != len(offsets) * size:
            raise EOFError(f"{self.path} is shorter than it was")
        return np.frombuffer(read, COMPONENT).reshape(-1, self._dim)


def let_go(pages: mmap.mmap) -> None:
    """Hold none of a file's mapped pages: they stay in the system's cache."""
    if hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
