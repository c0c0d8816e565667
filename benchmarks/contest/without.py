"""A recogniser that does not know the card it is asked about: its art and its name are missing from the gallery.

So each card of a gallery can be a stranger, and of the kind that is hardest to refuse: of the same game, in the same frame.
"""

from typing import Any

import numpy as np

from edge_runtime.gallery import Gallery, Match
from edge_runtime.reading.reader import Searches
from edge_runtime.recognizer import Recognizer
from pcr_assets.gallery import queries


class ForgetfulGallery:
    """A gallery as the edge asks it, but for the cards that share their art or their name with one of its cards."""

    def __init__(self, gallery: Gallery):
        self._gallery = gallery
        self._left: Searches = gallery

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gallery, name)

    def __len__(self) -> int:
        return len(self._gallery)

    def leave_out(self, card_id: str) -> None:
        """From now on; only this one."""
        card = self._gallery.cards[card_id]
        self._left = queries.GalleryWithout(self._gallery, card.art_group, card.name)

    def search(self, vectors: np.ndarray, count: int = 5) -> list[list[Match]]:
        """See :meth:`Gallery.search`."""
        return self._left.search(vectors, count)


def without(recognizer: Recognizer) -> tuple[Recognizer, ForgetfulGallery]:
    """The same recogniser over such a gallery, and the gallery."""
    gallery = ForgetfulGallery(recognizer.gallery)
    return Recognizer(recognizer.embedder, gallery, recognizer.judge, recognizer.outline_filter), gallery
