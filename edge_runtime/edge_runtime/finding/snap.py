"""Rough outlines drawn to the edges that the picture has near them."""

import math

import numpy as np

from edge_runtime.geometry import area, corners_of, following

POINTS = np.linspace(0.12, 0.88, 20)
"""Where along a side the ground is looked at: not at its ends, where a card is rounded."""
STEPS = 9
"""Places to which each end of a side may go."""
CLEAR = 120.0
"""Grey levels of gradient from which an edge counts no more than another."""


def snapped(corners: np.ndarray, steepness: np.ndarray, reach: float) -> np.ndarray:
    """Corners float32 4×2 whose sides lie where the ground is steepest along all of their length.

    ``steepness``: how steep the picture is, float32 H×W; ``reach``: how far a side may move, as a share of the outline's size
    (the root of its area). Both ends of a side move by themselves, and the less the better.
    """
    size = math.sqrt(area(corners))
    steps = np.linspace(-1, 1, STEPS)
    moves = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)  # M×2: of a side's start and end
    modest = 1 - 0.25 * np.abs(moves).mean(axis=1) ** 2 - 0.125 * np.abs(moves[:, 0] - moves[:, 1])
    off = moves[:, :1] * (1 - POINTS) + moves[:, 1:] * POINTS  # M×20: how far each point of the side goes
    ends = following(corners)
    along = (ends - corners) / np.maximum(np.linalg.norm(ends - corners, axis=1, keepdims=True), 1e-6)
    out = np.stack([along[:, 1], -along[:, 0]], axis=1) * reach * size  # 4×2: the way out, as long as the reach
    points = corners[:, None] + (ends - corners)[:, None] * POINTS[:, None]  # 4×20×2
    ground = points[:, None] + off[None, :, :, None] * out[:, None, None]  # 4×M×20×2
    columns = np.clip(ground[..., 0], 0, steepness.shape[1] - 1).astype(int)
    rows = np.clip(ground[..., 1], 0, steepness.shape[0] - 1).astype(int)
    support = (1 + np.minimum(steepness[rows, columns], CLEAR).mean(axis=2)) * modest  # 4×M
    best = moves[support.argmax(axis=1)]
    starts, stops = corners + out * best[:, :1], ends + out * best[:, 1:]
    crossed, turns = corners_of(starts, stops - starts)
    return corners if (np.abs(turns) < 1e-6).any() else crossed  # two sides that never meet
