"""How well the picture supports outlines as those of cards, and which of them are worth a look."""

from collections.abc import Sequence

import cv2
import numpy as np

from edge_runtime.geometry import CARD_ASPECT, areas, following, scaled, side_lengths

SAME = 0.045
"""Two outlines are one when their corners lie apart, on average, by no more than this share of their size (the root of
the area): they then overlap by nine tenths."""
NEARLY = 1.01
"""More than what numbers of single precision may be off."""
LEAST_SCORE = 0.55
"""Of 110 labelled cards on real photos the worst outline scores 0.71; half of all others score less than this."""
STEEP = 30
"""Sobel gradient, in grey levels, from which the ground counts as an edge."""
RIM = 1.03
"""By how much larger a card is taken to be than it was found, where its own rim shall count for nothing."""
NONE = np.empty((0, 4, 2), np.float32)
TURNS = (np.arange(4)[:, None] + np.arange(4)) % 4
"""The corners of an outline, read from each of them."""
PLACES = np.linspace(0, 1, 40, dtype=np.float32)
"""Where along a side, from one corner to the next, its support is looked up."""


def gradient(image: np.ndarray) -> np.ndarray:
    """How steep the picture is at each pixel, over all channels: float32 H×W."""
    planes = cv2.split(cv2.GaussianBlur(image, (3, 3), 0))
    slopes = ((slope.astype(np.float32) for slope in cv2.spatialGradient(plane)) for plane in planes)
    first, second, third = (cv2.magnitude(*slope) for slope in slopes)
    return cv2.GaussianBlur(cv2.max(cv2.max(first, second), third), (5, 5), 0)


def support(outlines: np.ndarray, steepness: np.ndarray) -> np.ndarray:
    """How well each of N outlines N×4×2 is supported, 0..1: the share of its length on steep ground, times how near its
    aspect is to a card's."""
    return steepness_along(outlines, steepness) * likeness(side_lengths(outlines))


def steepness_along(outlines: np.ndarray, steepness: np.ndarray) -> np.ndarray:
    """The share of the length of each of N outlines N×4×2 that lies on steep ground: float64 N."""
    return along(outlines, steepness > STEEP).mean(axis=(1, 2))


def likeness(sides: np.ndarray) -> np.ndarray:
    """How near the aspects of N outlines are to a card's, 0..1; their sides N×4, from the first corner on."""
    aspects = (sides[:, 0] + sides[:, 2]) / (sides[:, 1] + sides[:, 3])
    return np.exp(-np.abs(np.log(aspects / CARD_ASPECT)))


def shown_beside(outlines: np.ndarray, cards: Sequence[np.ndarray], steepness: np.ndarray) -> np.ndarray:
    """The share of what cards leave to be seen of the sides of N outlines N×4×2 that lies on steep ground: N, 0..1."""
    covered = np.zeros(steepness.shape, np.uint8)
    for card in cards:
        cv2.fillConvexPoly(covered, np.rint(scaled(card, RIM)).astype(np.int32), 1)
    seen = along(outlines, covered) == 0
    steep = (along(outlines, steepness) > STEEP) & seen
    return np.asarray(steep.sum(axis=(1, 2)) / np.maximum(seen.sum(axis=(1, 2)), 1))


def along(outlines: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """What the ground H×W is along the sides of N outlines N×4×2: N×4×40."""
    height, width = ground.shape
    starts, ways = outlines[..., None], (following(outlines) - outlines)[..., None]  # N×4×2×1
    columns = np.clip(starts[:, :, 0] + ways[:, :, 0] * PLACES, 0, width - 1).astype(np.int32)  # N×4×40
    rows = np.clip(starts[:, :, 1] + ways[:, :, 1] * PLACES, 0, height - 1).astype(np.int32)
    return ground.take(rows * width + columns)


def distinct(outlines: np.ndarray, scores: np.ndarray, most: int, known: np.ndarray = NONE) -> list[int]:
    """Rows of the outlines to read, in order, without those that are the same as an earlier one or as a ``known`` one.

    Well supported and large first: a card's inner frames, which lie inside it, need not be read once the card is named.
    """
    rows: list[int] = []
    sizes = np.sqrt(areas(outlines))
    order = np.argsort(-scores * np.sqrt(sizes), kind="stable")
    outlines, reach = outlines[order], SAME * sizes[order]
    left = scores[order] >= LEAST_SCORE
    middles, found = outlines.mean(axis=1, dtype=float), known.mean(axis=1, dtype=float)
    # Corners lie no nearer on average than middles do. Middles take a fraction of the time, and few are near each other.
    near, by = np.nonzero(_lengths(middles[:, None] - found) <= NEARLY * reach[:, None])
    left[near[corners_apart(known[by], outlines[near]) <= reach[near]]] = False
    for row in range(len(order)):
        if len(rows) == most:
            break
        if left[row]:
            rows.append(int(order[row]))
            near = row + np.flatnonzero(left[row:] & (_lengths(middles[row:] - middles[row]) <= NEARLY * reach[row:]))
            left[near[corners_apart(outlines[row], outlines[near]) <= reach[near]]] = False
    return rows


def _lengths(ways: np.ndarray) -> np.ndarray:
    return np.hypot(ways[..., 0], ways[..., 1])


def corners_apart(outlines: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How many pixels the corners of outlines ...×4×2 lie from those of others ...×4×2 on average, whichever corner is the first;
    one with many, or each with its partner: float32."""
    distances: np.ndarray = np.linalg.norm(outlines[..., None, :, :] - others[..., TURNS, :], axis=-1)
    return np.asarray(distances.mean(axis=-1).min(axis=-1))
