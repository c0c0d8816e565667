"""How alike the artwork of a card and of a picture are, where a blur or glare has left few points to agree.

Both are shrunk to a pixel for a millimetre, laid over each other, and correlated within the window in which most designs show
their artwork: what lies around it is the same on every card of a design, and speaks for strangers too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from edge_runtime.judging.references import SMALL

ARTWORK = (slice(10, 47), slice(6, 57))
"""Rows and columns of the artwork."""
SOFT = 1.0
"""Blur in pixels: a focus that is a little off shall not count."""
SURROUNDINGS = 4.0
"""Blur in pixels that tells how light, and how rich in contrast, the surroundings of a place are: both are evened out."""
LEAST_CONTRAST = 25.0
"""Grey levels, squared, that count as noise in an even place."""
BLANK = 1.0
"""Product of the lengths of two evened artworks below which one of them shows nothing; that of two cards is some hundreds."""
CELL = (11, 9)
"""Height and width in pixels of the cells, eight down and seven across, that what is seen of a card is compared in."""
LEAST_IN_CELL = 50
"""Pixels seen of a cell that is compared, at least."""


@dataclass(frozen=True)
class PartlyAlike:
    """How alike a picture and what is seen of a card are, as correlations in -1..1: their ``artwork``, of which a ``share`` is
    seen, and the tenth part of all that is seen which agrees least."""

    artwork: float
    share: float
    tenth: float


def shrunk(picture: np.ndarray, size: tuple[int, int] = SMALL) -> np.ndarray:
    """A picture of a card, uint8 RGB H×W×3, as grey uint8 of a smaller size."""
    return cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)


def sharpness(card: np.ndarray) -> float:
    """How sharp a card that :func:`shrunk` gave is: the variance of its Laplacian, in grey levels squared (J. L. Pech-Pacheco et
    al., Diatom autofocusing in brightfield microscopy, ICPR 2000). Cards of two sizes can't be compared."""
    return float(cv2.meanStdDev(cv2.Laplacian(card, cv2.CV_32F))[1][0, 0]) ** 2


def artwork(card: np.ndarray, onto: np.ndarray | None = None) -> np.ndarray:
    """The artwork of a card that :func:`shrunk` gave, float32, with the same mean and contrast everywhere.

    ``onto``: a homography 3×3, in pixels of a shrunk card, by which the card is laid over another first.
    """
    return _evened(card, onto)[ARTWORK]


def partly_alike(card: np.ndarray, onto: np.ndarray, picture: np.ndarray, visible: np.ndarray) -> PartlyAlike:
    """How alike what is seen of a card, laid over a picture, and that picture are; both as :func:`shrunk` gave them.

    ``visible``: where the card, so laid, is seen: bool H×W of :data:`edge_runtime.judging.references.SMALL`.
    """
    ours, theirs = _evened(card, onto), _evened(picture, None)
    cells = [likeness(ours[cell][seen], theirs[cell][seen]) for cell, seen in _cells(visible)]
    in_artwork = visible[ARTWORK]
    artworks = likeness(ours[ARTWORK][in_artwork], theirs[ARTWORK][in_artwork]) if in_artwork.any() else 0.0
    return PartlyAlike(artworks, float(in_artwork.mean()), float(np.percentile(cells, 10)) if cells else 0.0)


def _cells(visible: np.ndarray) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """The cells of a card of which enough is seen, each with where it is."""
    for top in range(0, visible.shape[0], CELL[0]):
        for left in range(0, visible.shape[1], CELL[1]):
            cell = slice(top, top + CELL[0]), slice(left, left + CELL[1])
            if visible[cell].sum() >= LEAST_IN_CELL:
                yield cell, visible[cell]


def _evened(card: np.ndarray, onto: np.ndarray | None) -> np.ndarray:
    """A whole card with the same mean and contrast everywhere, laid over another first if so asked."""
    soft = cv2.GaussianBlur(card.astype(np.float32), (0, 0), SOFT)
    if onto is not None:
        soft = cv2.warpPerspective(soft, onto, SMALL, borderMode=cv2.BORDER_REPLICATE)
    return evened_out(soft, lambda picture: cv2.GaussianBlur(picture, (0, 0), SURROUNDINGS))


def evened_out(picture: np.ndarray, around: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """A picture float32 H×W with the same mean and contrast everywhere; ``around`` gives the mean around each place."""
    detail = picture - around(picture)
    return np.asarray(detail / np.sqrt(around(detail * detail) + LEAST_CONTRAST))


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation, -1..1, of two artworks that :func:`artwork` gave; 0 where one is blank."""
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / size if size > BLANK else 0.0
