"""Made-up printings: a card with its own artwork, but the name, the text or the frame of another, as another language has it.

Real printings in other languages are not at hand for training; two cards of one gallery are.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from edge_runtime.geometry import CARD_MM
from edge_runtime.judging.likeness import ARTWORK

Image = np.ndarray

WINDOW = (slice(ARTWORK[1].start, ARTWORK[1].stop), slice(ARTWORK[0].start, ARTWORK[0].stop))
NAME, TEXT, MOVES = (slice(4, 48), slice(2.5, 8.5)), (slice(4, 59), slice(49, 80)), (slice(4, 59), slice(49, 68))
"""Columns and rows, in millimetres, in which most designs show the name, all of the text, and its upper half."""
WAYS = ("frame", "text", "moved text", "turned text", "name")
"""What of another printing is not as on the card, see :func:`other_printing`."""
NEAR = 30
"""Rows of the snapshot within which another card is most likely of the same design: it is in the order of sets."""


def other_printing(card: Image, lender: Image, way: str, rng: np.random.Generator) -> Image:
    """A made-up printing uint8 RGB of a card that differs from it in one of :data:`WAYS`: its artwork in the frame of the other
    card, or with that one's name and text, also a little moved; or with its own turned round, as if in another script."""
    height, width = card.shape[:2]
    lender = cv2.resize(lender, (width, height), interpolation=cv2.INTER_AREA)
    if way == "frame":
        made, place = lender.copy(), _place(WINDOW, width, height)
        made[place] = card[place]
        return made
    made = card.copy()
    for part in (NAME, MOVES) if way == "name" else (NAME, TEXT):
        place = _place(part, width, height)
        if way == "turned text":
            made[place] = made[place][:: int(rng.choice((-1, 1))), ::-1]
        elif way == "moved text":
            there = _place(part, width, height, rng.uniform(-2, 2), rng.uniform(-1, 1))
            made[place] = cv2.resize(lender[there], made[place].shape[1::-1], interpolation=cv2.INTER_AREA)
        else:
            made[place] = lender[place]
    return made


def _place(
    part: tuple[slice, slice], width: int, height: int, right: float = 0, down: float = 0
) -> tuple[slice, slice]:
    """Rows and columns of a part of the card, moved by so many millimetres."""
    across, along = part
    columns = (round((edge + right) * width / CARD_MM[0]) for edge in (across.start, across.stop))
    rows = (round((edge + down) * height / CARD_MM[1]) for edge in (along.start, along.stop))
    return slice(*rows), slice(*columns)


def lender(art_groups: Sequence[str], row: int, rng: np.random.Generator) -> int | None:
    """The row of another card with other art, mostly of the same design; None where there is none."""
    reach = NEAR if rng.random() < 0.8 else len(art_groups)
    near = [
        at
        for at in range(max(0, row - reach), min(len(art_groups), row + reach + 1))
        if art_groups[at] != art_groups[row]
    ]
    return int(rng.choice(near)) if near else None
