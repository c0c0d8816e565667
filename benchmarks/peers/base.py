"""What a way to recognise cards has to do to take part, and the two searches that most of them share."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime  # noqa: F401  (uSearch loads its kernels for the whole process: ONNX Runtime must be there first)
from usearch.index import Index

from pcr_assets.imaging import hashing

KEPT = 50
"""Gallery rows that a ranking names: enough for five different cards, several of them scanned twice."""
ONE_THREAD = 1


class Missing(RuntimeError):
    """A peer can't take part; the message says in one sentence why and what to install."""


@dataclass(frozen=True)
class Ranking:
    """An answer: gallery rows int K, best first, their scores float K (higher is better), and how sure the method is.

    ``confidence`` is on the method's own scale and is what refusal is decided by; ``named`` is the method's own decision,
    None where it makes none.
    """

    rows: np.ndarray
    scores: np.ndarray
    confidence: float
    named: bool | None = None


class Peer(Protocol):
    """A way to recognise cards. Pictures are uint8 RGB H×W×3, cut out along the card's edges."""

    def enrol(self, cards: Iterable[np.ndarray]) -> None:
        """Learn the gallery, one picture a row. May stop early when it brings its own gallery."""

    def rank(self, query: np.ndarray) -> Ranking:
        """The rows most like a card that may lie upside down."""

    @property
    def bytes_per_card(self) -> float:
        """What a scan costs in memory."""


@dataclass(frozen=True)
class Context:
    """What a peer may need to be made: the folder of releases, the gallery row of each card id, a folder for files."""

    releases: Path
    rows: Mapping[str, int]
    scratch: Path


@dataclass(frozen=True)
class Entry:
    """A line of the programme: the name in the table, the family it belongs to, whose method it is, and how to make it."""

    name: str
    family: str
    source: str
    make: Callable[[Context], Peer]


def both_ways(picture: np.ndarray) -> list[np.ndarray]:
    """The picture as it lies and upside down."""
    return [picture, np.ascontiguousarray(picture[::-1, ::-1])]


class HashSearch:
    """All distances between bit strings, counted in 64-bit words."""

    def __init__(self, hashes: Sequence[np.ndarray]):
        self.hashes = np.stack(hashes)

    @property
    def bytes_per_card(self) -> float:
        """Bytes of one hash."""
        return float(self.hashes.shape[1])

    def distances(self, queries: Sequence[np.ndarray]) -> np.ndarray:
        """Of several looks at one card the smallest distance counts: int N."""
        return hashing.hamming(np.stack(queries), self.hashes).min(axis=0)


class VectorSearch:
    """Exact search by cosine in an index of the library and number format that the product's has."""

    def __init__(self, vectors: np.ndarray):
        self._index = Index(ndim=vectors.shape[1], metric="cos", dtype="f16")
        self._index.add(np.arange(len(vectors), dtype=np.uint64), vectors, threads=ONE_THREAD)

    @property
    def bytes_per_card(self) -> float:
        """Bytes of the saved index for each vector in it."""
        return self._index.serialized_length / len(self._index)

    def ranking(self, looks: np.ndarray) -> Ranking:
        """Of several looks float L×D at one card the best similarity counts."""
        best: dict[int, float] = {}
        for look in looks:
            found = self._index.search(look, min(KEPT, len(self._index)), exact=True, threads=ONE_THREAD)
            for row, distance in zip(found.keys.tolist(), found.distances.tolist(), strict=True):
                best[row] = max(best.get(row, -1.0), 1.0 - distance)
        return ranked(best)


def ranked(scores: Mapping[int, float]) -> Ranking:
    """A ranking of rows by their score; equal ones (exact twins) in the order of the gallery, as for everyone."""
    rows = sorted(scores, key=lambda row: (-scores[row], row))[:KEPT]
    values = [scores[row] for row in rows]
    return Ranking(np.array(rows, int), np.array(values), values[0])
