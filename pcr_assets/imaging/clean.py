"""From a decoded scan to the card alone: margins trimmed, size bounded. What is not card-shaped is refused."""

import cv2
import numpy as np

from edge_runtime.geometry import CARD_ASPECT
from pcr_assets.imaging.decode import Rejected

MOST_HEIGHT = 704
"""Pixels: 8 a millimetre, more than any camera at arm's length resolves."""
LINEAR_BELOW = 1.5
"""Scaled down by less than this, a mean of the nearest pixels is as near to the ideal (Lanczos) as one of areas, within 1 dB, in
a quarter of the time; by more, pixels would be skipped. Public collections have heights of 825 and 1,024."""
ASPECTS = (0.6, 0.85)
CLOSE_FIT = 0.025
"""A shape within this share of a card's is a card's. Scans of public collections lie within 0.016."""
FLAT = 8
"""Grey levels that a scanner's background may vary."""
BLANK = 2.0
"""Grey levels of standard deviation; a blank sheet's noise stays below."""
PROBED = 8
"""One row in so many is looked at first: the variance of all is at least that share of these rows' own, and in nearly every card
these suffice."""
SPECKS = 0.02
"""Share of a row or column that dust on the scanner may cover."""


def clean(image: np.ndarray) -> np.ndarray:
    """Trim a uniform margin and scale down to at most 704 pixels of height; a scan without margin is left as it is.

    Takes and gives uint8 RGB H×W×3. Raises :class:`Rejected` when what remains hasn't about the shape of a card, or is blank.
    """
    card = _trimmed(image)
    height, width = card.shape[:2]
    if not ASPECTS[0] <= width / height <= ASPECTS[1]:
        raise Rejected(
            f"{width}×{height} pixels are not card-shaped (a card is upright, {CARD_ASPECT:.2f} wide for 1 high): "
            "crop or turn it to the card"
        )
    if height > MOST_HEIGHT:
        little = height < MOST_HEIGHT * LINEAR_BELOW
        size = (round(width * MOST_HEIGHT / height), MOST_HEIGHT)
        card = cv2.resize(card, size, interpolation=cv2.INTER_LINEAR_EXACT if little else cv2.INTER_AREA)
    if _spread(card[::PROBED]) < BLANK * PROBED**0.5 and _spread(card) < BLANK:
        raise Rejected("the picture is of one flat colour: there is no card on it")
    return np.ascontiguousarray(card)


def _spread(image: np.ndarray) -> float:
    """The standard deviation of the channel that varies most, in grey levels."""
    return float(cv2.meanStdDev(image)[1].max())


def _trimmed(image: np.ndarray) -> np.ndarray:
    """Cut a margin of one flat colour, if the whole is not card-shaped and what is left is.

    A card's own printed border is never cut: with it the whole is card-shaped.
    """
    if _misfit(image.shape[1], image.shape[0]) <= CLOSE_FIT:
        return image
    left, top, right, bottom = _content(image)
    return image[top:bottom, left:right] if _misfit(right - left, bottom - top) <= CLOSE_FIT else image


def _misfit(width: int, height: int) -> float:
    """How far a shape is from a card's, as a share of the card's aspect."""
    return abs(width / height / CARD_ASPECT - 1)


def _content(image: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what differs from the colour that the four corners share; all of it if they share none."""
    height, width = image.shape[:2]
    corners = image[[0, 0, -1, -1], [0, -1, 0, -1]].astype(np.int16)
    if np.ptp(corners, axis=0).max() > FLAT:
        return 0, 0, width, height
    background = corners.mean(axis=0).astype(np.int16)
    differs = np.abs(image.astype(np.int16) - background).max(axis=2) > FLAT
    rows = np.flatnonzero(differs.mean(axis=1) > SPECKS)
    columns = np.flatnonzero(differs.mean(axis=0) > SPECKS)
    if not rows.size or not columns.size:
        return 0, 0, width, height
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
