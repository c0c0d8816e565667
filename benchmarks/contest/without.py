"""A recogniser that does not know the card it is asked about: its art and its name are missing from the gallery.

So each card of a gallery can be a stranger, and of the kind that is hardest to refuse: of the same game, in the same frame.
"""

from typing import Any

import numpy as np

from edge_runtime.gallery import Gallery, Match
from edge_runtime.recognizer import Recognizer
from pcr_assets.cards.names import plain

REACH = 60
"""Cards beyond those asked for, enough to reach past all printings of one art and one name."""


class GalleryWithout:
    """A gallery as the edge asks it, but for the cards that share their art or their name with one of its cards."""

    def __init__(self, gallery: Gallery):
        self._gallery = gallery
        self._missing = "", ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gallery, name)

    def __len__(self) -> int:
        return len(self._gallery)

    def leave_out(self, card_id: str) -> None:
        """From now on; only this one."""
        card = self._gallery.cards[card_id]
        self._missing = card.art_group, plain(card.name)

    def search(self, queries: np.ndarray, count: int = 5) -> list[list[Match]]:
        """See :meth:`Gallery.search`."""
        found = self._gallery.search(queries, count + REACH)
        return [[match for match in matches if not self._lacks(match)][:count] for matches in found]

    def _lacks(self, match: Match) -> bool:
        art_group, name = self._missing
        return match.card.art_group == art_group or plain(match.card.name) == name


def without(recognizer: Recognizer) -> tuple[Recognizer, GalleryWithout]:
    """The same recogniser over such a gallery, and the gallery."""
    gallery = GalleryWithout(recognizer.gallery)
    return Recognizer(recognizer.embedder, gallery, recognizer.judge, recognizer.outline_filter), gallery
