"""Perceptual hashes of 256 bits: pHash, dHash, wHash, and pHash beside dHash.

A query's distance to a card is the smaller of those of its two ways up. The first two are the project's own
(`pcr_assets.imaging.hashing`), which also serve as its baseline elsewhere.
"""

import math
from collections.abc import Callable, Iterable

import cv2
import numpy as np

from pcr_assets.imaging import hashing
from peers.base import KEPT, Context, Entry, HashSearch, Peer, Ranking, both_ways

Hash = Callable[[np.ndarray], np.ndarray]
FAMILY = "perceptual hash"


def nearness(distances: np.ndarray) -> float:
    """How sure a plain hash is: the smaller its best distance, the surer."""
    return -float(distances.min())


class Hashes:
    """Nearest hash wins. ``surety`` makes a confidence of all distances; ``prepare`` is done to every picture first."""

    def __init__(
        self,
        of: Hash,
        surety: Callable[[np.ndarray], float] = nearness,
        prepare: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self._of, self._surety, self._prepare = of, surety, prepare
        self._search: HashSearch | None = None

    def enrol(self, cards: Iterable[np.ndarray]) -> None:
        """See :class:`Peer`."""
        self._search = HashSearch([self._of(self._prepared(card)) for card in cards])

    def rank(self, query: np.ndarray) -> Ranking:
        """See :class:`Peer`."""
        assert self._search is not None
        distances = self._search.distances([self._of(way) for way in both_ways(self._prepared(query))])
        near = np.argpartition(distances, min(KEPT, len(distances) - 1))[: KEPT + 1]
        rows = near[np.lexsort((near, distances[near]))][:KEPT]
        return Ranking(rows, -distances[rows].astype(float), self._surety(distances))

    @property
    def bytes_per_card(self) -> float:
        """See :class:`Peer`."""
        assert self._search is not None
        return self._search.bytes_per_card

    def _prepared(self, picture: np.ndarray) -> np.ndarray:
        return picture if self._prepare is None else self._prepare(picture)


def whash(image: np.ndarray, bits: int = hashing.BITS) -> np.ndarray:
    """The wavelet hash with Haar's wavelet, uint8 (bits / 8,).

    The low-frequency band of a Haar transform at n×n is n×n means of blocks but for a factor, and taking the mean of
    the picture out shifts each alike: comparing with their median needs no more than the block means.
    """
    side = math.isqrt(bits)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scaled = cv2.resize(grey, (16 * side, 16 * side), interpolation=cv2.INTER_AREA)
    means = cv2.resize(scaled.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return np.packbits(means > np.median(means))


def _plain(of: Hash) -> Callable[[Context], Peer]:
    return lambda _: Hashes(of)


ENTRIES = [
    Entry("dHash 256", FAMILY, "Krawetz 2013", _plain(hashing.dhash)),
    Entry("wHash 256", FAMILY, "Haar wavelet, as the imagehash library defines it", _plain(whash)),
]
