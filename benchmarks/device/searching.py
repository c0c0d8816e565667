"""Search alone: what five neighbours among all scans cost on one core, and how many of them 32-bit arithmetic would give too."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnxruntime  # noqa: F401  (before uSearch, see edge_runtime.gallery)
from usearch.index import Index

from device.grown import near
from edge_runtime.gallery import VIEWS, Gallery
from edge_runtime.release import Release

QUERIES = 200
COSINES = (0.6, 0.95)
"""How near a photo of a card comes to its scan."""
BEST = 5
NEIGHBOURS = 96
"""Among so many of its neighbours a scan is looked for by its own vector."""
SAME = 1e-3
"""Cosines nearer than this count as a tie: 16-bit floats of a unit vector are that coarse at worst."""


def queries_near(vectors: np.ndarray, count: int) -> np.ndarray:
    """Queries as near to some of the unit vectors float32 N×D as photos come to their scans, float32 M×D."""
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(vectors), count)
    return near(vectors[rows], rng.uniform(*COSINES, count).astype(np.float32), rng)


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this process on one of its cores."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def searching(release: Release) -> dict[str, Any]:
    """Milliseconds of a search for one card (median and 95th percentile of wall clock and of CPU), and recall at five."""
    variant = release.variant()
    gallery = Gallery.open(variant.index, release.catalogue)
    keys = gallery.keys
    vectors = gallery.vectors(keys)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = queries_near(vectors, QUERIES)
    wall, cpu, found = [], [], []
    with on_one_core():
        for query in queries:
            before, busy = time.perf_counter(), time.process_time()
            found.append(gallery.search(query[None], BEST)[0])
            wall.append(1e3 * (time.perf_counter() - before))
            cpu.append(1e3 * (time.process_time() - busy))
    exact = queries @ vectors.T
    _, cards = np.unique([gallery.card(key).card_id for key in keys], return_inverse=True)
    graph = through_the_graph(Index.restore(str(variant.index)), keys, vectors, queries, exact)
    recalled = [_recall(scores, keys, cards, matches) for scores, matches in zip(exact, found, strict=True)]
    return {
        "scans": len(keys),
        "dimensions": gallery.dim,
        "wall_ms": {"median": _at(wall, 50), "p95": _at(wall, 95)},
        "cpu_ms": {"median": _at(cpu, 50), "p95": _at(cpu, 95)},
        "recall_at_5": round(float(np.mean(recalled)), 4),
        "graph": graph,
    }


def through_the_graph(
    index: Index, keys: list[int], vectors: np.ndarray, queries: np.ndarray, exact: np.ndarray
) -> dict[str, Any]:
    """The same through uSearch's HNSW graph: CPU time, recall, and how many scans it doesn't find by their own vector."""
    cpu, recalled, place = [], [], {key: row for row, key in enumerate(keys)}
    for query, scores in zip(queries, exact, strict=True):
        busy = time.process_time()
        found = index.search(query, BEST * VIEWS, threads=1)
        cpu.append(1e3 * (time.process_time() - busy))
        least = np.sort(scores)[-BEST] - SAME
        recalled.append(np.mean([scores[place[int(key)]] >= least for key in found.keys[:BEST]]))
    lost = sum(key not in index.search(vector, NEIGHBOURS).keys for key, vector in zip(keys, vectors, strict=True))
    return {
        "cpu_ms": {"median": _at(cpu, 50), "p95": _at(cpu, 95)},
        "recall_at_5": round(float(np.mean(recalled)), 4),
        "scans_never_found": int(lost),
    }


def _recall(scores: np.ndarray, keys: list[int], cards: np.ndarray, matches: Any) -> float:
    """The share of the matches that are among the best cards by 32-bit arithmetic, ties counted as right.

    ``cards``: the number of the card that each scan shows; a card counts with its nearest scan.
    """
    nearest = np.full(cards.max() + 1, -np.inf)
    np.maximum.at(nearest, cards, scores)
    least = np.sort(nearest)[-BEST] - SAME
    place = {key: row for row, key in enumerate(keys)}
    return float(np.mean([scores[place[match.key]] >= least for match in matches]))


def _at(values: list[float], percent: int) -> float:
    return round(float(np.percentile(values, percent)), 2)
