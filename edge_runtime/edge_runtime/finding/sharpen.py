"""Rough corners made sharp: a line through the middle of each side, corners where neighbouring lines meet.

A card's corners are rounded, and a polygon around its outline is cut there. All outlines of a picture are made sharp at once:
each is a matter of some hundred points, for which numpy takes as long as for ten thousand.
"""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from edge_runtime.geometry import areas, corners_of, following

MIDDLE = 0.35
"""How far from the middle of a side, as a share of its length, its line is looked for."""
OFF = 0.03
"""How far off the rough side a point of it may lie, as a share of its length, two pixels besides."""
FEWEST = 4
"""Points that make a line."""
SQUARE = 0.2
"""Least sine of the angle at which two lines make a corner."""
MOST_MOVED = 0.15
"""How far a corner may move, as a share of the outline's size (the root of its area)."""


def sharpened(rough: Sequence[np.ndarray], hulls: Sequence[np.ndarray | None]) -> np.ndarray:
    """The corners of M outlines, float32 M×4×2: sharp where a hull (int32 N×2) is given and its lines make corners, else as they
    are."""
    corners = np.array(rough, np.float32).reshape(-1, 4, 2)
    rows = [row for row, hull in enumerate(hulls) if hull is not None]
    if rows:
        corners[rows] = _sharp(corners[rows], [hull for hull in hulls if hull is not None])
    return corners


def _sharp(rough: np.ndarray, hulls: Sequence[np.ndarray]) -> np.ndarray:
    sharp, sines = corners_of(*_lines(rough, hulls))
    slanted = (np.abs(sines) < SQUARE).any(axis=1)
    moved = np.linalg.norm(sharp - rough, axis=2).max(axis=1)
    trusted = ~slanted & (moved < MOST_MOVED * np.sqrt(areas(rough) + 1))
    return np.where(trusted[:, None, None], sharp, rough)


def _lines(rough: np.ndarray, hulls: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """For each side a point and a direction, float64 M×4×2 both: the line through the hull's points near the middle of the side."""
    points, outline = _dense(hulls)
    sides = following(rough) - rough
    lengths = np.hypot(sides[..., 0], sides[..., 1]) + np.float32(1e-6)
    ways = sides / lengths[..., None]
    # P×4: how far along each side a point lies, 0..1, and how many pixels off it.
    (right, down), (x, y) = (np.moveaxis(each, -1, 0) for each in (points[:, None] - rough[outline], ways[outline]))
    length = lengths[outline]
    place = (right * x + down * y) / length
    near = (np.abs(place - 0.5) < MIDDLE) & (np.abs(down * x - right * y) < OFF * length + 2)
    begins = np.searchsorted(outline, np.arange(len(hulls) + 1))
    starts, ways = rough.astype(float), ways.astype(float)
    for row, (begin, end) in enumerate(pairwise(begins)):
        for side in range(4):
            middle = points[begin:end][near[begin:end, side]]
            if len(middle) >= FEWEST:
                line = cv2.fitLine(middle, cv2.DIST_HUBER, 0, 0.01, 0.01)[:, 0]
                ways[row, side], starts[row, side] = line[:2], line[2:]
    return starts, ways


def _dense(polygons: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Points every two pixels along closed polygons, float32 P×2, and which polygon each lies on, int P."""
    corners = np.concatenate(polygons).astype(np.float32)
    gaps = np.concatenate([following(polygon) for polygon in polygons]).astype(np.float32) - corners
    steps = np.maximum(1, np.hypot(gaps[:, 0], gaps[:, 1]) / 2).astype(int)
    piece = np.repeat(np.arange(len(corners)), steps)
    within = np.arange(len(piece)) - np.repeat(np.cumsum(steps) - steps, steps)
    polygon_of = np.repeat(np.arange(len(polygons)), [len(polygon) for polygon in polygons])
    return corners[piece] + gaps[piece] * (within / steps[piece])[:, None].astype(np.float32), polygon_of[piece]
