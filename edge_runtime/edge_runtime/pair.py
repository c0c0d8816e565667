"""Do a model and an index belong together? A few reference pictures are embedded and compared with what the index holds.

Vectors of equal length may still mean nothing to each other: of another training, or fed with other pixels. Such a pair
answers every photo, and nearly always wrongly.
"""

import numpy as np

from edge_runtime.embedder import Embedder, embedded
from edge_runtime.gallery import Gallery, GalleryError
from edge_runtime.geometry import whole_card
from edge_runtime.judging.references import References

ASKED = 5
"""Pictures that are embedded."""
LEAST = 0.8
"""Cosine of a picture and its own scan that the middle one must reach.

With a release of 4,387 real scans, and 103 of their pictures: at least 0.975 for either model and index, 0.744 at most
between different cards, 0.07 in the middle.
"""


def require_pair(embedder: Embedder, gallery: Gallery, references: References) -> None:
    """Raise :class:`GalleryError` where an index was not made with this model. Without pictures there is nothing to ask."""
    known = references.held(gallery.keys)
    asked = known[:: max(1, len(known) // ASKED)][:ASKED]
    if not asked:
        return
    cards = np.stack([whole_card(references.picture(key), embedder.input_size) for key in asked])
    agreement = np.median(np.sum(embedded(embedder, cards) * _unit(gallery.vectors(asked)), axis=1))
    if agreement < LEAST:
        raise GalleryError(
            f"the index was not made with this model: a card's picture agrees with its own scan to {agreement:.2f} only, "
            f"{LEAST} is the least: publish the release again"
        )


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
