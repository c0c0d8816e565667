"""``python -m growth.grown_index PART PLACE``: one part of the life of a large index, in a process whose memory is its own.

The last line is JSON. ``vectors`` must come first, then ``build`` (the product's own code, as the asset ``card_index`` runs it),
then in any order ``change`` (one set of it, as a refresh does), ``catalogue``, ``search`` (as a device searches) and ``flat``
(FAISS, the peer).
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from device.searching import BEST, SAME, queries_near, timed
from indexes.faiss_indexes import library
from indexes.grown_vectors import TWIN_COSINE, grown, spread_of, unit

from pcr_assets.gallery.keys import keys_of

PER_SET, BLOCK = 100, 20_000
QUERIES, ASKED_OF_FLAT = 1000, 50


def vectors(place: Path, count: int, store: str) -> dict[str, Any]:
    """Write the shards of embeddings of ``count`` scans, their vectors once more as one matrix, and queries with their answer.

    The scans of the store come first, then copies, moved in the directions in which the store's scans differ, a tenth of them
    twins; without a store, of 2,000 drawn ones.
    """
    from pcr_assets.gallery.embeddings import shard_digest, write_shard

    place.mkdir(parents=True)
    own = unit(_published(store) if store else np.random.default_rng(0).normal(size=(2000, 768)).astype(np.float32))
    spread = spread_of(own)
    matrix = np.lib.format.open_memmap(place / "vectors.npy", "w+", np.float32, (count, own.shape[1]))
    sets = {}
    for number, start in enumerate(range(0, count, PER_SET)):
        name, rows = f"grown{number:05d}", range(start, min(start + PER_SET, count))
        matrix[rows.start : rows.stop] = grown(own, spread, rows)
        shard = _shard([f"{name}-{row}" for row in rows], matrix[rows.start : rows.stop])
        write_shard(shard, place / f"{name}.parquet")
        sets[name] = shard_digest(shard)
    (place / "sets.json").write_text(json.dumps(sets))
    asked = queries_near(matrix, QUERIES)
    best = [(asked @ matrix[at : at + BLOCK].T).max(axis=1) for at in range(0, count, BLOCK)]
    np.savez(place / "queries.npz", queries=asked, nearest=np.max(best, axis=0))
    return {"scans": count, "sets": len(sets), "dimensions": own.shape[1], "nearest_other": _nearest_other(matrix)}


def _nearest_other(matrix: np.ndarray, looked_at: int = 200) -> float:
    """The median cosine of a scan and the one nearest to it, twins aside: how crowded the gallery is."""
    rows = np.random.default_rng(2).integers(0, len(matrix), looked_at)
    each = [matrix[rows] @ matrix[at : at + BLOCK].T for at in range(0, len(matrix), BLOCK)]
    best = np.max([np.where(cosines < TWIN_COSINE[0], cosines, -1).max(axis=1) for cosines in each], axis=0)
    return round(float(np.median(best)), 3)


def _published(store: str) -> np.ndarray:
    """The embeddings that a store holds, of the first of its variants."""
    from pcr_assets import layout
    from pcr_assets.gallery.embeddings import read_shard, vectors_of
    from pcr_assets.resources.artifacts import Artifacts
    from pcr_assets.resources.store import open_store

    artifacts = Artifacts(open_store(f"{store}/{layout.PROJECT}"))
    published = artifacts.current(layout.EMBEDDINGS)
    sets = next(iter(published.record["variants"].values()))["sets"]
    return np.concatenate([vectors_of(read_shard(artifacts.fetch(published, e["file"]))) for e in sets.values()])


def _shard(cards: Sequence[str], rows: np.ndarray) -> pa.Table:
    keys = keys_of([(card, 0) for card in cards])
    return pa.table(
        {
            "card_id": list(cards),
            "view": pa.array([0] * len(cards), pa.int32()),
            "pixel_digest": [f"{keys[card, 0]:064x}" for card in cards],
            "key": pa.array([keys[card, 0] for card in cards], pa.uint64()),
            "embedding": pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1]),
        }
    )


def build(place: Path) -> dict[str, Any]:
    """The index of all shards, from nothing: build it, ask its digest, save it."""
    return _updated(place, None, {}, _shards(place), place / "index.usearch")


def change(place: Path) -> dict[str, Any]:
    """A card more in one set: the same, from the index that is there."""
    from pcr_assets.gallery.embeddings import read_shard, shard_digest, vectors_of, write_shard
    from pcr_assets.gallery.index import SetShard

    shards, before = _shards(place), json.loads((place / "sets.json").read_text())
    name = min(shards)
    table = read_shard(shards[name].path)
    other = unit(np.random.default_rng(5).normal(size=(1, vectors_of(table).shape[1])).astype(np.float32))
    more = _shard([*table["card_id"].to_pylist(), f"{name}-new"], np.concatenate([vectors_of(table), other]))
    write_shard(more, place / "more.parquet")
    shards[name] = SetShard(shard_digest(more), lambda: place / "more.parquet")
    return _updated(place, place / "index.usearch", before, shards, place / "changed.usearch")


def _shards(place: Path) -> dict[str, Any]:
    from pcr_assets.gallery.index import SetShard

    sets = json.loads((place / "sets.json").read_text())
    return {name: SetShard(digest, partial(Path, place, f"{name}.parquet")) for name, digest in sets.items()}


def _updated(place: Path, last: Path | None, before: Any, shards: Any, target: Path) -> dict[str, Any]:
    from pcr_assets.gallery.index import _index_class, index_digest, save_index, update_index

    _index_class()  # what is imported with it is no part of the index
    free = resident_mb()
    with measured() as updating:
        update = update_index(last, before, shards)
    with measured() as digesting:
        index_digest(update.index)
    with measured() as saving:
        save_index(update.index, target)
    return {
        "scans": len(update.index),
        "afresh": update.afresh,
        "update": updating,
        "digest": digesting,
        "save": saving,
        "peak_mb": max(part["peak_mb"] for part in (updating, digesting, saving)),
        "before_mb": free,
        "file_mb": round(target.stat().st_size / 1e6, 1),
    }


def catalogue(place: Path) -> dict[str, Any]:
    """The catalogue of all scans, as the CSV that travels beside the index."""
    from pcr_assets.gallery.catalogue import catalogue as written

    names = [line for shard in sorted(place.glob("grown*.parquet")) for line in _cards(shard)]
    fields = {"card_id": names, "view": pa.array([0] * len(names), pa.int32())}
    fields |= {"name": [f"Card {name}" for name in names], "set": [name.rpartition("-")[0] for name in names]}
    scans = pa.table({**fields, "number": [name.rpartition("-")[2] for name in names]})
    with measured() as writing:
        data = written(scans, {})
    (place / "catalogue.csv").write_bytes(data)
    return {**writing, "file_mb": round(len(data) / 1e6, 1)}


def _cards(shard: Path) -> list[str]:
    import pyarrow.parquet as pq

    found: list[str] = pq.read_table(shard, columns=["card_id"])["card_id"].to_pylist()
    return found


def search(place: Path) -> dict[str, Any]:
    """Open index and catalogue as a device does, and search on one core: time, recall of the nearest scan, memory."""
    from edge_runtime.gallery import Gallery

    free = resident_mb()
    with measured() as opening:
        gallery = Gallery.open(place / "index.usearch", place / "catalogue.csv")
    anonymous = resident_mb("RssAnon")
    said = np.load(place / "queries.npz")
    matches, spent = timed(lambda query: gallery.search(query[None], BEST)[0][0], said["queries"])
    found = gallery.vectors([match.key for match in matches])
    similar = np.sum(said["queries"] * unit(found), axis=1)
    return {
        "open": opening,
        "before_mb": free,
        "anonymous_mb": anonymous,
        "resident_after_mb": resident_mb(),
        "milliseconds": spent["wall_ms"],
        "cpu_milliseconds": spent["cpu_ms"],
        "recall": round(float(np.mean(similar >= said["nearest"] - SAME)), 4),
    }


def flat(place: Path) -> dict[str, Any]:
    """FAISS, all vectors compared: built, and searched on one core."""
    faiss = library()
    matrix = np.load(place / "vectors.npy", mmap_mode="r")
    asked = np.load(place / "queries.npz")["queries"][:ASKED_OF_FLAT]
    with measured() as building:
        index = faiss.IndexFlatIP(matrix.shape[1])
        index.add(matrix)
    faiss.omp_set_num_threads(1)
    _, spent = timed(lambda query: index.search(query[None], BEST), asked)
    return {"build": building, "milliseconds": spent["wall_ms"], "cpu_milliseconds": spent["cpu_ms"]}


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Fill in, at its end, what a block took: seconds by the clock and of all cores, and the most memory that was resident."""
    said: dict[str, float] = {}
    Path("/proc/self/clear_refs").write_text("5")  # forgets the highest mark so far
    start, busy = time.perf_counter(), time.process_time()
    yield said
    said["seconds"] = round(time.perf_counter() - start, 2)
    said["cpu_seconds"] = round(time.process_time() - busy, 2)
    said["peak_mb"] = resident_mb("VmHWM")


def resident_mb(what: str = "VmRSS") -> float:
    """This process's resident memory as Linux counts it, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kibibytes = next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:"))
    return round(kibibytes * 1024 / 1e6, 1)


if __name__ == "__main__":
    part, folder, *further = sys.argv[1:]
    if part == "vectors":
        print(json.dumps(vectors(Path(folder), int(further[0]), further[1])))
    else:
        parts = {"build": build, "change": change, "catalogue": catalogue, "search": search, "flat": flat}
        print(json.dumps(parts[part](Path(folder))))
