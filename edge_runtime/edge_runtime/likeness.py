"""How alike the artwork of a card and of a picture are, where a blur or glare has left few points to agree.

Both are shrunk to a pixel for a millimetre, laid over each other, and correlated within the window in which most designs show
their artwork: what lies around it is the same on every card of a design, and speaks for strangers too.
"""

import cv2
import numpy as np

SMALL = (63, 88)
"""Width and height of a shrunk card: a pixel for a millimetre."""
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


def shrunk(picture: np.ndarray) -> np.ndarray:
    """A picture of a card, uint8 RGB H×W×3, as grey uint8 of :data:`SMALL`."""
    return cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), SMALL, interpolation=cv2.INTER_AREA)


def likeness(card: np.ndarray, picture: np.ndarray, onto_picture: np.ndarray | None = None) -> float:
    """The correlation, -1..1, of the artworks of a card and a picture, both as :func:`shrunk` gives them; 0 where one is blank.

    ``onto_picture``: the homography 3×3 from the card to the picture, in their pixels; without one both lie border to border.
    """
    soft = cv2.GaussianBlur(card.astype(np.float32), (0, 0), SOFT)
    if onto_picture is not None:
        soft = cv2.warpPerspective(soft, onto_picture, SMALL, borderMode=cv2.BORDER_REPLICATE)
    return _correlation(_evened(soft), _evened(cv2.GaussianBlur(picture.astype(np.float32), (0, 0), SOFT)))


def _evened(grey: np.ndarray) -> np.ndarray:
    """The artwork with the same mean and contrast everywhere."""
    detail = grey - cv2.GaussianBlur(grey, (0, 0), SURROUNDINGS)
    contrast = cv2.GaussianBlur(detail * detail, (0, 0), SURROUNDINGS)
    return (detail / np.sqrt(contrast + LEAST_CONTRAST))[ARTWORK]


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / size if size > BLANK else 0.0
