"""Ours: a release of this project, opened and asked through edge_runtime as a device does.

*Embedding alone* is the network and the search, both ways up. *Full answer* is `Recognizer.read_at`, which decides by
itself whether it turns the card and whether it takes a second look at reference pictures.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import cv2
import numpy as np
from scorecard.places import newest

from edge_runtime.answers import card_json
from edge_runtime.geometry import full_frame, rectify
from edge_runtime.judging.decide import Status
from edge_runtime.judging.features import features
from edge_runtime.recognizer import Recognizer
from peers.base import ONE_THREAD, Context, Entry, Peer, Ranking, both_ways, ranked

FAMILY = "ours"
ADDED = 32
"""Cards embedded to measure what adding one costs: the gallery itself comes with the release."""
NEIGHBOURS = 12
"""Cards fetched for each way up: more than the five that are judged."""


class EmbeddingAlone:
    """The most similar embedding of the gallery, the better of two ways up."""

    def __init__(self, context: Context, variant: str):
        self._rows, self._release = context.rows, newest(context.releases)
        self._recognizer = Recognizer.open(self._release, variant, ONE_THREAD)
        self._index = self._release.variant(variant).index

    def enrol(self, cards: Iterable[np.ndarray]) -> None:
        """Embed a few cards, as adding them would; the release brings its own gallery."""
        for card in islice(cards, ADDED):
            self._recognizer.embedder.embed(self._cut(card)[None])

    def rank(self, query: np.ndarray) -> Ranking:
        """See :class:`Peer`."""
        vectors = self._recognizer.embedder.embed(np.stack([self._cut(way) for way in both_ways(query)]))
        best: dict[int, float] = {}
        for matches in self._recognizer.gallery.search(vectors, NEIGHBOURS):
            for match in matches:
                row = self._rows[match.card.card_id]
                best[row] = max(best.get(row, -1.0), match.similarity)
        return ranked(best)

    @property
    def bytes_per_card(self) -> float:
        """See :class:`Peer`."""
        return self._index.stat().st_size / len(self._recognizer.gallery)

    def _cut(self, card: np.ndarray) -> np.ndarray:
        return rectify(card, full_frame(card.shape[1], card.shape[0]), self._recognizer.embedder.input_size)


class FullAnswer(EmbeddingAlone):
    """What a device would say of the card."""

    def __init__(self, context: Context, variant: str):
        super().__init__(context, variant)
        self._references = self._release.references

    def enrol(self, cards: Iterable[np.ndarray]) -> None:
        """Embed a few cards and pack their pictures and points for the second look, as adding them would."""
        for card in islice(cards, ADDED):
            self._recognizer.embedder.embed(self._cut(card)[None])
            if self._references:
                cv2.imencode(".jpg", cv2.cvtColor(card, cv2.COLOR_RGB2BGR))
                features(card).to_bytes()

    def rank(self, query: np.ndarray) -> Ranking:
        """See :class:`Peer`."""
        reading = self._recognizer.read_at(query, full_frame(query.shape[1], query.shape[0]))
        rows = np.array([self._rows[match.card.card_id] for match in reading.matches], int)
        scores = np.array([match.similarity for match in reading.matches])
        return Ranking(rows, scores, reading.confidence, reading.status is not Status.UNKNOWN)

    def recognize(self, photo: np.ndarray) -> list[dict[str, Any]]:
        """All cards on a whole photo as the edge's JSON has them, by its own finder and its own decisions."""
        return [card_json(reading) for reading in self._recognizer.recognize(photo).cards]

    @property
    def bytes_per_card(self) -> float:
        """Index and reference pictures."""
        pictures = sum(archive.stat().st_size for archive in self._references)
        return super().bytes_per_card + pictures / len(self._recognizer.gallery)


def _of(kind: type[EmbeddingAlone], variant: str) -> Callable[[Context], Peer]:
    return lambda context: kind(context, variant)


ENTRIES = [
    Entry(f"ours {variant}, {what}", FAMILY, "edge_runtime", _of(kind, variant))
    for variant in ("int8", "fp32")
    for what, kind in (("embedding alone", EmbeddingAlone), ("full answer", FullAnswer))
]
