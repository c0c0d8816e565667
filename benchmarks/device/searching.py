"""Search alone: what five neighbours among all scans cost on one core, and how many of them 32-bit arithmetic would give too."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnxruntime  # noqa: F401  (before uSearch, see edge_runtime.gallery)
from indexes.grown_vectors import near
from usearch.index import Index

from edge_runtime.gallery import VIEWS, Gallery
from edge_runtime.releases.release import Release

QUERIES = 200
COSINES = (0.6, 0.95)
"""How near a photo of a card comes to its scan."""
BEST = 5
SAME = 1e-3
"""Cosines nearer than this count as a tie: 16-bit floats of a unit vector are that coarse at worst."""


def queries_near(vectors: np.ndarray, count: int) -> np.ndarray:
    """Queries as near to some of the unit vectors float32 N×D as photos come to their scans, float32 M×D."""
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(vectors), count)
    return near(vectors[rows], rng.uniform(*COSINES, count).astype(np.float32), rng)


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this thread on one of its cores, and those that it begins; a pool that is there already stays where it is."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def searching(release: Release) -> dict[str, Any]:
    """A search for one card as a device makes it, and beside it by uSearch alone: comparing all scans, and through its graph.

    Of each: milliseconds on one core (median and 95th percentile of wall clock and of CPU), recall at five, and how many scans are
    not found by their own vector, nor one that is as near to it.
    """
    variant = release.variant()
    gallery = Gallery.open(variant.index, release.catalogue)
    keys = gallery.keys
    vectors = gallery.vectors(keys)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = queries_near(vectors, QUERIES)
    truth = queries @ vectors.T
    _, cards = np.unique([gallery.card(key).card_id for key in keys], return_inverse=True)
    place = {key: row for row, key in enumerate(keys)}
    index = Index.restore(str(variant.index))

    def judged(search: Callable[[np.ndarray], Any], keys_of: Callable[[Any], Any], *, scans: bool) -> dict[str, Any]:
        """``scans``: it gives scans, and several of a card count several times."""
        found, times = timed(search, queries)
        each = np.arange(len(keys)) if scans else cards
        recalled = [
            _recall(scores, each, [place[int(key)] for key in keys_of(one)[:BEST]])
            for scores, one in zip(truth, found, strict=True)
        ]
        nearest = [place[int(keys_of(search(vector))[0])] for vector in vectors]
        lost = np.sum(vectors * vectors[nearest], axis=1) < 1 - SAME
        return {**times, "recall_at_5": round(float(np.mean(recalled)), 4), "scans_never_found": int(lost.sum())}

    def by_usearch(*, exact: bool) -> dict[str, Any]:
        return judged(lambda query: index.search(query, BEST * VIEWS, exact=exact), lambda one: one.keys, scans=True)

    return {
        "scans": len(keys),
        "dimensions": gallery.dim,
        **judged(
            lambda query: gallery.search(query[None], BEST)[0],
            lambda one: [match.key for match in one],
            scans=False,
        ),
        "exact": by_usearch(exact=True),
        "graph": by_usearch(exact=False),
    }


def timed(search: Callable[[np.ndarray], Any], queries: np.ndarray) -> tuple[list[Any], dict[str, Any]]:
    """What a search finds for each query, and what one takes on one core, the first of all apart."""
    wall, cpu, found = [], [], []
    with on_one_core():
        search(queries[0])
        for query in queries:
            before, busy = time.perf_counter(), time.process_time()
            found.append(search(query))
            wall.append(1e3 * (time.perf_counter() - before))
            cpu.append(1e3 * (time.process_time() - busy))
    return found, {
        f"{name}_ms": {"median": _at(of, 50), "p95": _at(of, 95)} for name, of in (("wall", wall), ("cpu", cpu))
    }


def _recall(scores: np.ndarray, cards: np.ndarray, found: list[int]) -> float:
    """The share of the scans found that are among the best cards by 32-bit arithmetic, ties counted as right.

    ``cards``: the number of the card that each scan shows; a card counts with its nearest scan.
    """
    nearest = np.full(cards.max() + 1, -np.inf)
    np.maximum.at(nearest, cards, scores)
    least = np.sort(nearest)[-BEST] - SAME
    return float(np.mean(scores[found] >= least))


def _at(values: list[float], percent: int) -> float:
    return round(float(np.percentile(values, percent)), 3)
