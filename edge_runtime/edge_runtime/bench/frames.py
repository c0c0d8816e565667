"""Frames to time with: the release's own reference pictures, laid on a table."""

from collections.abc import Sequence

import cv2
import numpy as np

from edge_runtime.geometry import full_frame
from edge_runtime.judging.references import References

SIZE = (1280, 720)
"""Pixels of a frame, those that a camera is asked for."""
HEIGHT = (0.45, 0.8)
"""A card's height as a share of the frame's."""
SLANT = 0.06
"""How far a corner strays from the card's rectangle, as a share of the card's height: a camera that looks a little aslant."""


def frame(card: np.ndarray, rng: np.random.Generator, size: tuple[int, int] = SIZE) -> np.ndarray:
    """One card, uint8 RGB H×W×3, on a grainy table uint8 RGB of ``size``: turned, slanted, a little soft."""
    width, height = size
    table = rng.normal(np.array([70, 58, 50]), 4, (height, width, 3)).clip(0, 255).astype(np.uint8)
    tall = rng.uniform(*HEIGHT) * height
    wide = tall * card.shape[1] / card.shape[0]
    angle = rng.uniform(-np.pi, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    half = np.array([[-wide, -tall], [wide, -tall], [wide, tall], [-wide, tall]]) / 2
    corners = half @ turn.T + np.array([width, height]) / 2 + rng.uniform(-SLANT, SLANT, (4, 2)) * tall
    matrix = cv2.getPerspectiveTransform(full_frame(*card.shape[1::-1]), corners.astype(np.float32))
    laid = cv2.warpPerspective(card, matrix, size, flags=cv2.INTER_AREA)
    inside = cv2.warpPerspective(np.full(card.shape[:2], 255, np.uint8), matrix, size)
    share = cv2.GaussianBlur(inside, (3, 3), 0)[:, :, None] / 255
    return cv2.GaussianBlur((laid * share + table * (1 - share)).astype(np.uint8), (3, 3), 0)


def frames(references: References, keys: Sequence[int], count: int) -> list[tuple[int, np.ndarray]]:
    """So many frames and the key of the scan on each, spread over those of ``keys`` that have a picture."""
    known = references.held(keys)
    if not known:
        return []
    rows = np.linspace(0, len(known) - 1, count).astype(int)
    return [
        (known[row], frame(references.picture(known[row]), np.random.default_rng([0, number])))
        for number, row in enumerate(rows)
    ]
