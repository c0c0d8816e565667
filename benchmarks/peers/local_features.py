"""ORB and SIFT: points of the query matched with those of a card, and the matches that one homography explains (RANSAC).

Against thousands of cards that takes seconds a query, so a hash names the fifty most promising first, the best setting
in practice. `brute_force` measures on a small sample of the gallery what comparing with all of it would cost.
Both kinds of points turn with the picture: a card upside down needs no second look.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pcr_assets.imaging import hashing
from peers.base import Context, Entry, HashSearch, Peer, Ranking, both_ways

FAMILY = "local features"
SHORTLIST = 50
TOLERANCE = 5.0
"""Pixels by which a match may miss its place under the homography."""
LEAST_MATCHES = 4
RATIO = 0.8
"""A match must be nearer than this share of the second nearest (Lowe's ratio)."""

FAR = 1 << 30
"""Further than any two descriptors are apart."""

Compared = tuple[np.ndarray, np.ndarray, np.ndarray]
"""For each of N descriptors the distances of the nearest and second nearest other one, and the nearest one's number."""


@dataclass(frozen=True)
class Kind:
    """A kind of points: how to find them, and how to compare them."""

    detector: cv2.Feature2D
    compare: Callable[[np.ndarray, np.ndarray], Compared]


@dataclass(frozen=True)
class Points:
    """Places float32 N×2 and descriptors uint8 N×D: SIFT's are whole numbers up to 255 as well."""

    places: np.ndarray
    descriptors: np.ndarray

    @property
    def size(self) -> int:
        """Bytes."""
        return self.places.nbytes + self.descriptors.nbytes


def orb() -> Kind:
    """400 ORB points (Rublee et al., ICCV 2011); the low threshold finds points on blurred cards too."""
    return Kind(cv2.ORB.create(400, fastThreshold=5), hamming)


def sift() -> Kind:
    """300 SIFT points (Lowe, IJCV 2004); the low threshold finds points on faded cards too."""
    return Kind(cv2.SIFT.create(300, contrastThreshold=0.02), euclidean)


class LocalFeatures:
    """The candidate with most agreeing points wins; among equals the one that the hash prefers."""

    def __init__(self, kind: Kind):
        self._kind = kind
        self._search: HashSearch | None = None
        self._gallery: list[Points] = []

    def enrol(self, cards: Iterable[np.ndarray]) -> None:
        """See :class:`Peer`."""
        hashes = []
        for card in cards:
            hashes.append(hashing.both(card))
            self._gallery.append(self._points(card))
        self._search = HashSearch(hashes)

    def rank(self, query: np.ndarray) -> Ranking:
        """See :class:`Peer`."""
        assert self._search is not None
        distances = self._search.distances([hashing.both(way) for way in both_ways(query)])
        order = np.lexsort((np.arange(len(distances)), distances))
        return self.compared(query, order[:SHORTLIST].tolist())

    def compared(self, query: np.ndarray, rows: Sequence[int]) -> Ranking:
        """A ranking of some rows, which are given in the order that decides between equals."""
        points = self._points(query)
        agreeing = np.array([self._agreeing(points, self._gallery[row]) for row in rows], float)
        order = np.argsort(-agreeing, kind="stable")
        return Ranking(np.array(rows, int)[order], agreeing[order], float(agreeing.max()))

    @property
    def bytes_per_card(self) -> float:
        """See :class:`Peer`."""
        assert self._search is not None
        return self._search.bytes_per_card + sum(points.size for points in self._gallery) / len(self._gallery)

    def _points(self, picture: np.ndarray) -> Points:
        found, descriptors = self._kind.detector.detectAndCompute(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), None)
        places = np.array([point.pt for point in found], np.float32).reshape(-1, 2)
        if descriptors is None:
            return Points(places[:0], np.empty((0, 1), np.uint8))
        return Points(places, descriptors.astype(np.uint8))

    def _agreeing(self, card: Points, other: Points) -> int:
        if min(len(card.places), len(other.places)) < LEAST_MATCHES:
            return 0
        nearest, second, partners = self._kind.compare(card.descriptors, other.descriptors)
        clear = nearest < RATIO * second
        if np.count_nonzero(clear) < LEAST_MATCHES:
            return 0
        here, there = card.places[clear], other.places[partners[clear]]
        _, agree = cv2.findHomography(here, there, cv2.USAC_MAGSAC, TOLERANCE, maxIters=500)
        return 0 if agree is None else int(agree.sum())


def _two_nearest(distances: np.ndarray) -> Compared:
    """Overwrites the nearest with a great distance to find the second."""
    rows, partners = np.arange(len(distances)), distances.argmin(axis=1)
    nearest = distances[rows, partners]
    distances[rows, partners] = FAR
    return nearest, distances.min(axis=1), partners


def hamming(left: np.ndarray, right: np.ndarray) -> Compared:
    """By differing bits."""
    return _two_nearest(hashing.hamming(left, right))


def euclidean(left: np.ndarray, right: np.ndarray) -> Compared:
    """By distance, all at once: |a - b|² = |a|² + |b|² - 2ab."""
    a, b = left.astype(np.float32), right.astype(np.float32)
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
    nearest, second, partners = _two_nearest(squares)
    return np.sqrt(np.maximum(nearest, 0)), np.sqrt(np.maximum(second, 0)), partners


def _of(kind: Callable[[], Kind]) -> Callable[[Context], Peer]:
    return lambda _: LocalFeatures(kind())


ENTRIES = [
    Entry("ORB, RANSAC, 50 by hash", FAMILY, "OpenCV", _of(orb)),
    Entry("SIFT, RANSAC, 50 by hash", FAMILY, "OpenCV", _of(sift)),
]
