"""The index: all embeddings behind one search, kept up to date set by set.

uSearch, cosine, 16-bit floats: half the size of 32-bit ones, and the same nearest card even among near ties. Of a changed
set only the rows that changed are removed and added, so that little of the file changes. Exact search then answers like an
index built afresh; only the order among equal similarities (exact twins) is that of insertion and must be settled by key.
"""

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from pcr_assets import digests
from pcr_assets.gallery.embeddings import read_shard, vectors_of
from pcr_assets.gallery.keys import KeyCollision

if TYPE_CHECKING:
    from usearch.index import Index

SIDE_BY_SIDE = 50_000
"""New vectors from which all cores add: the graph inside the file then depends on their timing, what it holds does not."""

TOGETHER = 8192
"""Vectors that all cores are given at once, or more: a set at a time, each core would wait for the last at the end of each set."""
PIECE = 1 << 14
"""Vectors that are fetched from an index at once."""


@dataclass(frozen=True)
class SetShard:
    """The embeddings of one set: the digest of their content, and what gets the Parquet file when it is asked for."""

    digest: str
    fetch: Callable[[], Path]

    @cached_property
    def path(self) -> Path:
        """The Parquet file: fetched once."""
        return self.fetch()


@dataclass(frozen=True)
class IndexUpdate:
    """An index and how it came about: the sets whose entries were added or removed, and whether it was built afresh."""

    index: "Index"
    sets: Mapping[str, str]  # the digest of each set's shard: give it to the next update
    added: tuple[str, ...]
    removed: tuple[str, ...]
    afresh: bool


def update_index(
    previous: Path | None,
    previous_sets: Mapping[str, str],
    shards: Mapping[str, SetShard],
    known_keys: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> IndexUpdate:
    """Bring an index up to date with the shards of all sets.

    ``previous``: the last index file (verify its digest first: uSearch does not), None builds afresh;
    ``previous_sets``: the ``sets`` of the update that made it; ``known_keys``: the keys that it holds of each set, where that is
    known: of a set that stayed as it was, nothing is fetched then. Built afresh as well when the vectors have another length,
    when entries of kept sets are missing, or when more than half of the entries would be replaced. Raises ``KeyCollision``.
    """
    if not shards:
        raise ValueError("there are no cards to index: put card scans into the raw folder first")
    sets = {name: shard.digest for name, shard in shards.items()}
    names = sorted(shards)
    kept = {name for name in names if previous_sets.get(name) == sets[name]}
    read = {name: _keys(shards[name].path) for name in names if name not in kept or name not in known_keys}
    keys = {name: read[name][0] if name in read else known_keys[name] for name in names}
    _refuse_collisions(keys)
    kept_keys = _joined(keys[name] for name in names if name in kept)
    index = _empty(_length(read)) if previous is None else _restored(previous, kept_keys)
    if index is None or any(length != index.ndim for _, length in read.values()):
        del index
        return _afresh(previous_sets, shards)
    # Which rows are new, and not the rows: those of a million scans are 3 GB. Each set's are read when they are added.
    fresh = {name: _new(index, keys[name], shards[name].path) for name in names if name not in kept}
    staying = _joined([kept_keys, *(keys[name][~new] for name, new in fresh.items())])
    if 2 * len(staying) < len(index):
        del index
        return _afresh(previous_sets, shards)
    gone = np.setdiff1d(index.keys[:], staying)
    if len(gone):
        index.remove(gone)
    if sum(int(new.sum()) for new in fresh.values()) >= SIDE_BY_SIDE:
        threads, at_once = 0, TOGETHER
    else:
        threads, at_once = 1, 1
    for some, rows in _gathered(shards, keys, fresh, at_once):
        index.add(some, rows, threads=threads)
    removed = [name for name in sorted(previous_sets) if name not in kept]
    return IndexUpdate(index, sets, tuple(fresh), tuple(removed), previous is None)


def _afresh(previous_sets: Mapping[str, str], shards: Mapping[str, SetShard]) -> IndexUpdate:
    """All anew, whatever was known."""
    return replace(update_index(None, {}, shards), removed=tuple(sorted(previous_sets)))


def _keys(shard: Path) -> tuple[np.ndarray, int]:
    """The keys of a shard, and the length of its vectors."""
    with pq.ParquetFile(shard) as file:
        return file.read(["key"])["key"].to_numpy(), file.schema_arrow.field("embedding").type.list_size


def _new(index: "Index", keys: np.ndarray, shard: Path) -> np.ndarray:
    """For each row of a shard whether the index lacks it, bit for bit; bool N."""
    found: Any = index.get(keys) if len(keys) else ()
    halves = vectors_of(read_shard(shard)).astype(np.float16)
    return np.array([old is None or not np.array_equal(old, new) for old, new in zip(found, halves, strict=True)], bool)


def _gathered(
    shards: Mapping[str, SetShard], keys: Mapping[str, np.ndarray], fresh: Mapping[str, np.ndarray], at_once: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The keys and vectors to add, whole sets at a time: as many as have ``at_once`` new rows together."""
    some: list[np.ndarray] = []
    rows: list[np.ndarray] = []
    for name, new in fresh.items():
        if new.any():
            some.append(keys[name][new])
            rows.append(vectors_of(read_shard(shards[name].path))[new])
        if sum(map(len, some)) >= at_once:
            yield np.concatenate(some), np.concatenate(rows)
            some, rows = [], []
    if some:
        yield np.concatenate(some), np.concatenate(rows)


def _refuse_collisions(keys: Mapping[str, np.ndarray]) -> None:
    joined = _joined(keys.values())
    if len(np.unique(joined)) == len(joined):
        return
    owners: dict[int, str] = {}
    for name, numbers in keys.items():
        for key in numbers.tolist():
            if key in owners:
                raise KeyCollision(
                    f"key {key} stands in the sets {owners[key]} and {name}: a card id must be in one set only"
                )
            owners[key] = name


def _length(read: Mapping[str, tuple[np.ndarray, int]]) -> int:
    lengths = {length for _, length in read.values()}
    if len(lengths) > 1:
        raise ValueError(f"shards hold vectors of {sorted(lengths)} numbers: embed all sets with one model")
    return lengths.pop()


def _empty(dimensions: int) -> "Index":
    return _index_class()(ndim=dimensions, metric="cos", dtype="f16")


def _index_class() -> "type[Index]":
    # uSearch loads its kernels with global symbols: an ONNX Runtime that is imported after it crashes the process.
    import onnxruntime  # noqa: F401
    from usearch.index import Index

    return Index


def _restored(previous: Path, kept_keys: np.ndarray) -> "Index | None":
    """The last index, if it can be updated."""
    index = _index_class().restore(previous)
    return index if index is not None and np.all(index.contains(kept_keys)) else None


def _joined(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype=np.uint64), *arrays])


def save_index(index: "Index", path: Path) -> None:
    """Write an index to a new file. Never over one that is in use: a reader that maps it would be killed.

    Raises OSError where the disk has no room for it: uSearch says that it failed, and not why.
    """
    try:
        index.save(str(path))
    except RuntimeError as error:
        written = path.stat().st_size if path.exists() else 0
        if index.serialized_length - written > shutil.disk_usage(path.parent).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise


def index_digest(index: "Index") -> str:
    """The digest of what an index holds: its sorted keys and their 16-bit vectors, not the bytes of its file."""
    keys = np.sort(index.keys[:])
    shape = (len(keys), index.ndim)
    vectors = digests.Pieces(np.dtype(np.float16), shape, (_halves(index, some) for some in _in_pieces(keys)))
    return digests.of_arrays({"keys": keys, "vectors": vectors})


def _in_pieces(keys: np.ndarray) -> Iterator[np.ndarray]:
    return (keys[start : start + PIECE] for start in range(0, len(keys), PIECE))


def _halves(index: "Index", keys: np.ndarray) -> np.ndarray:
    found: Any = index.get(keys)
    return np.stack(found)
