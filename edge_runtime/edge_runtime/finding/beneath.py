"""Cards that lie half under a known one, as in a fan: of such a card a corner shows, and it is as large as the one on top."""

from collections.abc import Sequence

import numpy as np

from edge_runtime.finding.coplanar import CARD, OWN, moved, on_picture, plane_of, rectangles
from edge_runtime.finding.segments import Corners
from edge_runtime.geometry import CARD_MM, area, areas, full_frame, shared_area, side_lengths

COVERED = (0.02, 0.5)
"""Share of a card that the known one covers: one of which less is covered is found by itself, one that shows less isn't read."""
INSIDE = 0.9
"""Share of such a card that lies on the picture, at least."""
ALIKE = 0.1
"""By how much its sides differ from a card's in the plane of the known one, at most."""
CLOSE = 130.0
"""Millimetres from the middle of a known card to a corner of one under it, across or down, at most."""
STICKING = (0.02, 0.95)
"""Share of the smaller of an outline and a known card that lies in the other, where the one sticks out from under the other."""
LARGE = 0.3
"""Area of such an outline, by that of the card, at least."""
MIDDLE = CARD.mean(axis=0)


def sticks_out(outlines: Sequence[np.ndarray], cards: Sequence[np.ndarray]) -> bool:
    """Whether any outline lies half on one of the cards, float32 4×2 both: there, and there alone, is worth a look for others."""
    if not len(outlines) or not len(cards):
        return False
    found, known = np.array(outlines), np.array(cards)
    low = np.maximum(found.min(axis=1)[:, None], known.min(axis=1))
    high = np.minimum(found.max(axis=1)[:, None], known.max(axis=1))
    large = areas(found)[:, None] > LARGE * areas(known)
    for row, column in np.argwhere((low < high).all(axis=2) & large):
        smaller = min(area(found[row]), area(known[column]))
        if STICKING[0] * smaller < shared_area(found[row], known[column]) < STICKING[1] * smaller:
            return True
    return False


def beneath(cards: Sequence[np.ndarray], corners: Corners) -> np.ndarray:
    """Where cards may lie half under ``cards`` (corners float32 4×2) on a picture whose lines make these corners: float32 N×4×2."""
    at, first, second = corners
    found = [np.empty((0, 4, 2), np.float32)]
    for card in cards:
        away = np.abs(moved(at, plane_of(card)) - MIDDLE)
        near = (away < CLOSE).all(axis=1) & (away > MIDDLE - OWN).any(axis=1)
        places = rectangles(card, (at[near], first[near], second[near]))
        shares = np.array([shared_area(place, CARD) for place in places]) / (CARD_MM[0] * CARD_MM[1])
        found.append(on_picture(places[(shares >= COVERED[0]) & (shares <= COVERED[1])], card))
    return np.concatenate(found)


def orders(place: np.ndarray, cards: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """Which of the cards may lie on one at a place, the likeliest first: all that reach over it, or, of several, one alone, as
    where the place is that of a card in the middle of a fan."""
    reaching = [card for card in cards if shared_area(place, card) > COVERED[0] * area(place)]
    return [reaching, *([card] for card in reaching if len(reaching) > 1)]


def lies_half_under(place: np.ndarray, cards: Sequence[np.ndarray], size: tuple[int, ...]) -> bool:
    """Whether a place lies on a picture of ``size`` (width, height), half under one of the cards, and is as large as that one is;
    corners float32 4×2 in the order of an upright card, either way up."""
    if shared_area(place, full_frame(size[0], size[1])) < INSIDE * area(place):
        return False
    for card in cards:
        if not COVERED[0] * area(place) < shared_area(place, card):
            continue
        there = moved(place, plane_of(card)).astype(np.float32)
        sides = side_lengths(there) / np.array([*CARD_MM, *CARD_MM])
        if (np.abs(sides - 1) < ALIKE).all() and shared_area(there, CARD) < COVERED[1] * area(CARD):
            return True
    return False
