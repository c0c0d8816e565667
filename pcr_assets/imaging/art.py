"""The art of a card alone, as a thumbnail: a reprint keeps it when frame, text, colours and place within the frame change."""

from collections.abc import Sequence

import cv2
import numpy as np

from pcr_assets.imaging.hashing import grey

BOX = (0.09, 0.11, 0.91, 0.52)
"""Left, top, right and bottom of where a card shows its art, as shares of its width and height: within the frame of any
layout, and within a picture that covers all of the card."""
SIZE = (20, 15)
"""Width and height of a thumbnail: 300 bytes. 24×18 tells art apart no better, 16×12 worse."""
SCALES = (0.86, 0.93, 1.0, 1.08, 1.16)
"""By which one art may be larger than the other: frames differ in how much of it they show."""
INNER = 0.72
"""Share of a thumbnail's sides that is looked for in the other; the rest is room to move."""


def thumbnail(card: np.ndarray) -> np.ndarray:
    """The art of a card uint8 RGB H×W×3 or grey H×W, grey and small: uint8 of 15×20."""
    height, width = card.shape[:2]
    left, top, right, bottom = (np.array(BOX) * (width, height, width, height)).astype(int)
    return cv2.resize(grey(card[top:bottom, left:right]), SIZE, interpolation=cv2.INTER_AREA)


def middles(thumb: np.ndarray) -> list[np.ndarray]:
    """The middle of a thumbnail, once in each of :data:`SCALES`: what is looked for in another one. None of a plain one."""
    found = []
    for scale in SCALES:
        size = (round(SIZE[0] * scale), round(SIZE[1] * scale))
        scaled = cv2.resize(thumb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        width, height = round(size[0] * INNER), round(size[1] * INNER)
        left, top = (size[0] - width) // 2, (size[1] - height) // 2
        found.append(scaled[top : top + height, left : left + width])
    return [middle for middle in found if middle.std() >= 1]  # without structure it would agree with anything


def likeness(thumb: np.ndarray, middles_of_other: Sequence[np.ndarray]) -> float:
    """The best normalised correlation, -1..1, of another thumbnail's middle with any place of this one; 0 without a middle."""
    return max(
        (float(cv2.matchTemplate(thumb, middle, cv2.TM_CCOEFF_NORMED).max()) for middle in middles_of_other),
        default=0.0,
    )
