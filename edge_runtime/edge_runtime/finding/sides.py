"""Cards whose outline runs into another's, as where one lies half on another: four sides of the common outline that fit
together as a card's, extended until they meet."""

import math
from itertools import combinations

import cv2
import numpy as np

from edge_runtime.geometry import areas, cross, following, met, side_lengths

MOST_SIDES = 10
"""Sides of an outline that are combined: the longest."""
CHOICES = {count: np.array(list(combinations(range(count), 4))) for count in range(4, MOST_SIDES + 1)}
ROUGH = 0.008
"""By how much of its length an outline may differ from the polygon that stands for it."""
SHORTEST = 0.24
"""Least length of a side, by the root of the area of the smallest card: what shows of a side may be short."""
CORNER = 0.6
"""Least sine of the angle at a corner: of 90° seen at a slant."""
SLANT = 0.6
"""Least ratio of opposite sides."""
NARROWEST = 0.45
"""Least width by height."""
OUTSIDE = 0.05
"""Of the picture's longer side, by which a corner may lie outside of it."""


def quadrilaterals(contour: np.ndarray, least: float, size: tuple[int, int]) -> np.ndarray:
    """All cards that four sides of a contour (int32 N×1×2) may belong to: corners float32 M×4×2, in the contour's direction.

    ``least``: area of the smallest card, in square pixels; ``size``: width and height of the picture.
    """
    length = cv2.arcLength(contour, True)
    polygon = cv2.approxPolyDP(contour, max(2.0, ROUGH * length), True)[:, 0].astype(np.float32)
    ways = following(polygon) - polygon
    lengths = np.hypot(ways[:, 0], ways[:, 1])
    long = np.flatnonzero(lengths > SHORTEST * math.sqrt(least))
    if len(polygon) == 4 or len(long) < 4:  # four sides need no choosing
        return np.empty((0, 4, 2), np.float32)
    if len(long) > MOST_SIDES:
        long = np.sort(long[np.argsort(-lengths[long], kind="stable")[:MOST_SIDES]])
    chosen = long[CHOICES[len(long)]]  # M×4, in their order along the contour
    starts, ways = polygon[chosen], ways[chosen] / lengths[chosen][..., None]
    turns = cross(ways, following(ways))
    around = (np.abs(turns) > CORNER).all(axis=1) & (np.abs(turns.sum(axis=1)) > 4 * CORNER)
    starts, ways = starts[around], ways[around]
    corners, _ = met(starts, ways, following(starts), following(ways))
    return corners[card_shaped(corners, 2 * least, size)]


def card_shaped(corners: np.ndarray, least: float, size: tuple[int, int]) -> np.ndarray:
    """Which of M×4×2 corners may be a card's."""
    sides = side_lengths(corners) + np.float32(1e-6)
    opposite = np.minimum(sides[:, :2] / sides[:, 2:], sides[:, 2:] / sides[:, :2]).min(axis=1)
    first, second = (sides[:, :2] + sides[:, 2:]).T
    beyond = OUTSIDE * max(size)
    inside = ((corners >= -beyond) & (corners <= np.array(size) + beyond)).all(axis=(1, 2))
    narrow = np.minimum(first / second, second / first)
    return inside & (opposite > SLANT) & (narrow > NARROWEST) & (areas(corners) >= least)
