"""The index: all embeddings behind one search, kept up to date set by set.

uSearch, cosine, 16-bit floats: half the size of 32-bit ones, and the same nearest card even among near ties. Of a changed
set only the rows that changed are removed and added, so that little of the file changes. Exact search then answers like an
index built afresh; only the order among equal similarities (exact twins) is that of insertion and must be settled by key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
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


@dataclass(frozen=True)
class SetShard:
    """The embeddings of one set: the digest of their content, and the Parquet file."""

    digest: str
    path: Path


@dataclass(frozen=True)
class IndexUpdate:
    """An index and how it came about: the sets whose entries were added or removed, and whether it was built afresh."""

    index: "Index"
    sets: Mapping[str, str]  # the digest of each set's shard: give it to the next update
    added: tuple[str, ...]
    removed: tuple[str, ...]
    afresh: bool


def update_index(
    previous: Path | None, previous_sets: Mapping[str, str], shards: Mapping[str, SetShard]
) -> IndexUpdate:
    """Bring an index up to date with the shards of all sets.

    ``previous``: the last index file (verify its digest first: uSearch does not), None builds afresh;
    ``previous_sets``: the ``sets`` of the update that made it. Built afresh as well when the vectors have another length, when
    entries of kept sets are missing, or when more than half of the entries would be replaced. Raises ``KeyCollision``.
    """
    sets = {name: shard.digest for name, shard in shards.items()}
    kept = [name for name in sorted(shards) if previous_sets.get(name) == sets[name]]
    keys = {name: pq.read_table(shards[name].path, columns=["key"])["key"].to_numpy() for name in sorted(shards)}
    _refuse_collisions(keys)
    kept_keys = _joined(keys[name] for name in kept)
    tables = {name: read_shard(shards[name].path) for name in keys if name not in kept}
    dimensions = _dimensions(shards)
    index = _restored(previous, dimensions, kept_keys)
    fresh = {name: ~_holds(index, keys[name], vectors_of(table)) for name, table in tables.items()} if index else {}
    staying = _joined([kept_keys, *(keys[name][~new] for name, new in fresh.items())])
    afresh = index is None or 2 * len(staying) < len(index)
    if index is None or afresh:
        index, kept, staying = _empty(dimensions), [], staying[:0]
        tables = {name: tables.get(name) or read_shard(shards[name].path) for name in keys}
        fresh = {name: np.ones(len(table), bool) for name, table in tables.items()}
    gone = np.setdiff1d(index.keys[:], staying)
    if len(gone):
        index.remove(gone)
    threads = 0 if sum(int(new.sum()) for new in fresh.values()) >= SIDE_BY_SIDE else 1
    for name, new in fresh.items():
        if new.any():
            index.add(keys[name][new], vectors_of(tables[name])[new], threads=threads)
    removed = [name for name in sorted(previous_sets) if name not in kept]
    return IndexUpdate(index, sets, tuple(tables), tuple(removed), afresh)


def _holds(index: "Index", keys: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """For each row whether the index has it already, bit for bit; bool N."""
    found: Any = index.get(keys) if len(keys) else ()
    halves = vectors.astype(np.float16)
    return np.array(
        [old is not None and np.array_equal(old, new) for old, new in zip(found, halves, strict=True)], bool
    )


def _refuse_collisions(keys: Mapping[str, np.ndarray]) -> None:
    owners: dict[int, str] = {}
    for name, numbers in keys.items():
        for key in numbers.tolist():
            if key in owners:
                raise KeyCollision(
                    f"key {key} stands in the sets {owners[key]} and {name}: a card id must be in one set only"
                )
            owners[key] = name


def _dimensions(shards: Mapping[str, SetShard]) -> int:
    lengths = {pq.read_schema(shard.path).field("embedding").type.list_size for shard in shards.values()}
    if not lengths:
        raise ValueError("there are no cards to index: put card scans into the raw folder first")
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


def _restored(previous: Path | None, dimensions: int, kept_keys: np.ndarray) -> "Index | None":
    """The last index, if it can be updated."""
    if previous is None:
        return None
    index = _index_class().restore(previous)
    if index is None or index.ndim != dimensions or not np.all(index.contains(kept_keys)):
        return None
    return index


def _joined(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype=np.uint64), *arrays])


def save_index(index: "Index", path: Path) -> None:
    """Write an index to a new file. Never over one that is in use: a reader that maps it would be killed."""
    index.save(str(path))


def index_digest(index: "Index") -> str:
    """The digest of what an index holds: its sorted keys and their 16-bit vectors, not the bytes of its file."""
    keys = np.sort(index.keys[:])
    found: Any = index.get(keys)
    vectors = np.stack(found) if len(keys) else np.empty((0, index.ndim), dtype=np.float16)
    return digests.of_arrays({"keys": keys, "vectors": vectors})
