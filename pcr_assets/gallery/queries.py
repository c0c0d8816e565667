"""Simulated queries against a gallery, through the edge's own code: what it names right, and what it must refuse."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_runtime.embedder import Embedder
from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import whole_card
from edge_runtime.reading.reader import Searches
from pcr_assets import measures
from pcr_assets.cards.names import plain

BATCH = 32
NEIGHBOURS = 60
"""Cards looked at for each query: enough to reach past all printings of its own art and name."""
MISSED = 10**9
"""The rank of a right card that is not among those: beyond any that is asked for, however few cards there are."""

Picture = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class GalleryWithout:
    """A gallery as it is searched, but for the cards that have an art or a name, however it is written: a reprint may have new
    art that no duplicate search connects."""

    gallery: Searches
    art_group: str
    name: str

    def search(self, queries: np.ndarray, count: int = 5) -> list[list[Match]]:
        """See :meth:`edge_runtime.gallery.Gallery.search`."""
        return [self.left(matches)[:count] for matches in self.gallery.search(queries, count + NEIGHBOURS)]

    def left(self, matches: Sequence[Match]) -> list[Match]:
        """Those of some matches that such a gallery has."""
        own = plain(self.name)
        return [m for m in matches if m.card.art_group != self.art_group and plain(m.card.name) != own]


def measured(card_ids: Sequence[str], art_groups: Sequence[str], matches: Sequence[Sequence[Match]]) -> dict[str, Any]:
    """What the search alone said to Q queries whose truth is known: recall by card and by art with the 95 % interval, and the
    similarity to the right card. ``matches``: best first, one list a query."""
    rank = ranks(matches, card_ids, lambda card: card.card_id)
    art = ranks(matches, art_groups, lambda card: card.art_group)
    first, own = measures.recall_at(rank, 1), _own(card_ids, matches)
    return {
        "recall_at_1": first["recall"],
        "recall_at_5": measures.recall_at(rank, 5)["recall"],
        "art_recall_at_1": measures.recall_at(art, 1)["recall"],
        "low": first["low"],
        "high": first["high"],
        "queries": first["queries"],
        "same_card_cosine": float(own.mean()) if own.size else 0.0,
        "same_card_above_0.8": float((own > 0.8).mean()) if own.size else 0.0,
    }


def _own(card_ids: Sequence[str], matches: Sequence[Sequence[Match]]) -> np.ndarray:
    """The similarity of each query to the nearest scan of its own card; where that was not found, of the last one that was, which
    it lies below."""
    pairs = [(found, truth) for found, truth in zip(matches, card_ids, strict=True) if found]
    return np.array(
        [
            next((match.similarity for match in found if match.card.card_id == truth), found[-1].similarity)
            for found, truth in pairs
        ]
    )


def ranks(matches: Sequence[Sequence[Match]], truths: Sequence[str], says: Callable[[Card], str]) -> np.ndarray:
    """The place of the first right card in each query's matches, int Q; :data:`MISSED` when none is right."""
    return np.array(
        [
            next((place for place, match in enumerate(found) if says(match.card) == truth), MISSED)
            for found, truth in zip(matches, truths, strict=True)
        ],
        int,
    )


def ask(embedder: Embedder, gallery: Searches, picture: Picture, count: int) -> list[list[Match]]:
    """The matches of the pictures 0..count-1, each rectified from its full frame."""
    found: list[list[Match]] = []
    for start in range(0, count, BATCH):
        images = [picture(index) for index in range(start, min(start + BATCH, count))]
        cards = [whole_card(image, embedder.input_size) for image in images]
        found += gallery.search(embedder.embed(np.stack(cards)), NEIGHBOURS)
    return found
