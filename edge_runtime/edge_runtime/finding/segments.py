"""Cards whose outline no mask closes, as on a table full of pattern: straight lines that meet in corners, and two corners
that face each other as a card's do."""

import math

import cv2
import numpy as np

from edge_runtime.finding.sides import CORNER, SHORTEST, card_shaped
from edge_runtime.geometry import cross, met

MOST = 160
"""Lines that are looked at: the longest."""
MOST_CORNERS = 600
"""Corners that are put together, those of longer lines first: each is tried with each."""
GAP = 0.5
"""By how much of its length a line may end short of a corner: cards are rounded, and what lies around hides a part."""
ROUNDED = 4.0
"""Pixels by which it may besides."""
DOUBLE = 2.5
"""Pixels between lines that are two edges of one."""
FACING = 0.7
"""Least cosine between a side and the opposite one."""
Corners = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Where two lines end in a corner, N×2 each: the corner, and the ways along its sides, the second clockwise of the first."""


def joined(image: np.ndarray, least: float) -> np.ndarray:
    """All cards that lines of a picture uint8 RGB H×W×3 may belong to: corners float32 N×4×2, clockwise on the picture.

    ``least``: area of the smallest card, in square pixels.
    """
    lines = lines_of(image, SHORTEST * math.sqrt(least))
    corners, first, second = line_corners(lines)
    one, other = np.triu_indices(len(corners), 1)
    facing = (_dot(first[one], first[other]) < -FACING) & (_dot(second[one], second[other]) < -FACING)
    one, other = one[facing], other[facing]
    # From each corner along one of its sides to where the other corner's side comes to meet it.
    reached, far = met(corners[one], first[one], corners[other], second[other])
    returned, back = met(corners[one], second[one], corners[other], first[other])
    found = np.stack([corners[one], reached, corners[other], returned], axis=1)[(far > 0) & (back > 0)]
    found = found.astype(np.float32)
    return found[card_shaped(found, 2 * least, (image.shape[1], image.shape[0]))]


def lines_of(image: np.ndarray, shortest: float) -> np.ndarray:
    """The longest straight lines as start and end, float32 N×2×2, without those that run along a longer one.

    By the detector of von Gioi et al. (LSD: a line segment detector, IPOL 2012), without its refinement: that is slow, and a
    corner needs none.
    """
    evened = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8)).apply(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE).detect(evened)[0]
    if found is None:
        return np.empty((0, 2, 2), np.float32)
    lines = found.reshape(-1, 2, 2)
    lengths = np.linalg.norm(lines[:, 1] - lines[:, 0], axis=1)
    order = np.argsort(-lengths, kind="stable")[: 2 * MOST]
    lines, lengths = lines[order], lengths[order]
    ways = (lines[:, 1] - lines[:, 0]) / lengths[:, None]
    # N×N: how far the two ends of each line lie beside each other line, and along it, by one product each.
    ends, across = lines.reshape(-1, 2), np.stack([ways[:, 1], -ways[:, 0]], axis=1)
    off, along = (
        (ends @ axes.T - (lines[:, 0] * axes).sum(axis=1)).reshape(-1, 2, len(lines)) for axes in (across, ways)
    )
    beside = np.abs(off).max(axis=1) < DOUBLE
    within = (along.min(axis=1) > -DOUBLE) & (along.max(axis=1) < lengths + DOUBLE)
    doubled = np.tril(beside & within, -1).any(axis=1)
    return lines[~doubled & (lengths > shortest)][:MOST]


def line_corners(lines: np.ndarray) -> Corners:
    """Where two of N×2×2 lines end in a corner, those of longer lines first."""
    one, other = np.triu_indices(len(lines), 1)
    spans = lines[:, 1] - lines[:, 0]
    lengths = np.linalg.norm(spans, axis=1)
    ways = spans / lengths[:, None]
    square = np.abs(cross(ways[one], ways[other])) > CORNER
    one, other = one[square], other[square]
    corners, _ = met(lines[one, 0], ways[one], lines[other, 0], ways[other])
    first, first_gap = _leaving(corners, lines[one])
    second, second_gap = _leaving(corners, lines[other])
    near = (first_gap < GAP * lengths[one] + ROUNDED) & (second_gap < GAP * lengths[other] + ROUNDED)
    corners, first, second = (each[near][:MOST_CORNERS] for each in (corners, first, second))
    swap = (cross(first, second) < 0)[:, None]
    return corners, np.where(swap, second, first), np.where(swap, first, second)


def _leaving(corners: np.ndarray, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The way from each corner along its line, N×2, and how far from the corner the line begins."""
    ends = lines - corners[:, None]
    far = np.linalg.norm(ends, axis=2)
    away = far.argmax(axis=1)
    rows = np.arange(len(ends))
    return ends[rows, away] / far[rows, away, None], far.min(axis=1)


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first[..., 0] * second[..., 0] + first[..., 1] * second[..., 1]
