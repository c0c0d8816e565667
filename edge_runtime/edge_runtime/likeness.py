"""How alike the artwork of a card and of a picture are, where a blur or glare has left few points to agree.

Both are shrunk to a pixel for a millimetre, laid over each other, and correlated within the window in which most designs show
their artwork: what lies around it is the same on every card of a design, and speaks for strangers too.
"""

from collections.abc import Callable

import cv2
import numpy as np

from edge_runtime.references import SMALL

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


def shrunk(picture: np.ndarray, size: tuple[int, int] = SMALL) -> np.ndarray:
    """A picture of a card, uint8 RGB H×W×3, as grey uint8 of a smaller size."""
    return cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)


def artwork(card: np.ndarray, onto: np.ndarray | None = None) -> np.ndarray:
    """The artwork of a card that :func:`shrunk` gave, float32, with the same mean and contrast everywhere.

    ``onto``: a homography 3×3, in pixels of a shrunk card, by which the card is laid over another first.
    """
    soft = cv2.GaussianBlur(card.astype(np.float32), (0, 0), SOFT)
    if onto is not None:
        soft = cv2.warpPerspective(soft, onto, SMALL, borderMode=cv2.BORDER_REPLICATE)
    return evened_out(soft, lambda picture: cv2.GaussianBlur(picture, (0, 0), SURROUNDINGS))[ARTWORK]


def evened_out(picture: np.ndarray, around: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """A picture float32 H×W with the same mean and contrast everywhere; ``around`` gives the mean around each place."""
    detail = picture - around(picture)
    return np.asarray(detail / np.sqrt(around(detail * detail) + LEAST_CONTRAST))


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation, -1..1, of two artworks that :func:`artwork` gave; 0 where one is blank."""
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / size if size > BLANK else 0.0
