"""The index: all embeddings behind one search, kept up to date set by set.

uSearch, cosine, 16-bit floats: half the size of 32-bit ones, and the same nearest card even among near ties. A replaced
set's entries are removed and its new ones added; exact search then answers like an index built afresh, only the order
among equal similarities (exact twins) is the order of insertion and must be settled by key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pcr_assets import digests
from pcr_assets.gallery.embeddings import read_shard, vectors_of
from pcr_assets.gallery.keys import KeyCollision

if TYPE_CHECKING:
    from usearch.index import Index

ONE_THREAD = 1  # with several, the graph inside the file depends on their timing


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
    tables = {name: read_shard(shards[name].path) for name in sorted(shards)}
    keys = {name: table["key"].to_numpy() for name, table in tables.items()}
    _refuse_collisions(keys)
    sets = {name: shard.digest for name, shard in shards.items()}
    kept = [name for name in tables if previous_sets.get(name) == sets[name]]
    kept_keys = _joined(keys[name] for name in kept)
    index = _restored(previous, _dimensions(tables), kept_keys)
    afresh = index is None
    if index is None:
        index, kept = _empty(_dimensions(tables)), []
    else:
        index.remove(np.setdiff1d(index.keys[:], kept_keys))
    added = [name for name in tables if name not in kept]
    for name in added:
        if len(keys[name]):
            index.add(keys[name], vectors_of(tables[name]), threads=ONE_THREAD)
    removed = [name for name in sorted(previous_sets) if name not in kept]
    return IndexUpdate(index, sets, tuple(added), tuple(removed), afresh)


def _refuse_collisions(keys: Mapping[str, np.ndarray]) -> None:
    owners: dict[int, str] = {}
    for name, numbers in keys.items():
        for key in numbers.tolist():
            if key in owners:
                raise KeyCollision(
                    f"key {key} stands in the sets {owners[key]} and {name}: a card id must be in one set only"
                )
            owners[key] = name


def _dimensions(tables: Mapping[str, pa.Table]) -> int:
    lengths = {table.schema.field("embedding").type.list_size for table in tables.values()}
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
    """The last index when it is worth updating."""
    if previous is None or len(kept_keys) == 0:
        return None
    index = _index_class().restore(previous)
    if index is None or index.ndim != dimensions or not np.all(index.contains(kept_keys)):
        return None
    return index if 2 * len(kept_keys) >= len(index) else None


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
