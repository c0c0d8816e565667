"""The shape of a card, round corners included, and cutting along it.

Coordinates count from the outer edge of the first pixel, as corners do everywhere here: a picture spans 0..width.
OpenCV counts from the middle of that pixel, which is half a pixel less.
"""

from functools import cache

import cv2
import numpy as np

from edge_runtime import geometry

ROUNDING_MM = 3.0  # corner radius of a card


@cache
def unit_outline() -> np.ndarray:
    """A card's edge as points in 0..1 × 0..1 (float32 N×1×2), clockwise."""
    width, height = geometry.CARD_MM
    turns = np.radians(np.arange(0, 91, 15))
    points = []
    for quarter, (x, y) in enumerate([(1, 1), (0, 1), (0, 0), (1, 0)]):
        centre = np.array([abs(x * width - ROUNDING_MM), abs(y * height - ROUNDING_MM)])
        angle = turns + quarter * np.pi / 2
        points.append((centre + ROUNDING_MM * np.stack([np.cos(angle), np.sin(angle)], axis=1)) / (width, height))
    return np.concatenate(points).astype(np.float32)[:, None]


def mask(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Inside of a convex outline (N×1×2 pixels) as uint8 0..255 of `size` (width, height), smooth at the edge."""
    inside = np.zeros(size[::-1], np.uint8)
    cv2.fillConvexPoly(inside, np.round((points - 0.5) * 16).astype(np.int32), 255, cv2.LINE_AA, shift=4)
    return inside


def warped(picture: np.ndarray, into: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture through the homography `into` (3×3, edge coordinates), its border repeated, as `size`."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centred = np.linalg.inv(half) @ into @ half
    return cv2.warpPerspective(picture, centred, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def blended(over: np.ndarray, under: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """`over` where `inside` (uint8) is 255, `under` where it is 0."""
    weight = inside.astype(np.float32) / 255
    return cv2.blendLinear(over, under, weight, 1 - weight)
