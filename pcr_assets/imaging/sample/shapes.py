"""Outlines of drawn things, as polygons in the drawing's own units: ovals, limbs, spikes, wings, stars."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Wave = tuple[int, float, float]
SKYLINE = 160
"""Points along the skyline of a :func:`ridge`, which come first."""


def oval(
    x: float, y: float, rx: float, ry: float, *, square: float = 2.0, tilt: float = 0.0, waves: Sequence[Wave] = ()
) -> Points:
    """A superellipse (2 is an ellipse, 4 nearly a box); `waves` are (lobes, depth, phase) added to its radius."""
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    cosine, sine = np.cos(angle), np.sin(angle)
    radius = 1 + sum((depth * np.cos(lobes * angle + phase) for lobes, depth, phase in waves), np.zeros_like(angle))
    across = rx * radius * np.sign(cosine) * np.abs(cosine) ** (2 / square)
    down = ry * radius * np.sign(sine) * np.abs(sine) ** (2 / square)
    return np.stack(
        [x + across * np.cos(tilt) - down * np.sin(tilt), y + across * np.sin(tilt) + down * np.cos(tilt)], axis=1
    )


def curve(*control: tuple[float, float], n: int = 26) -> Points:
    """The Bézier curve through its first and last control point (de Casteljau)."""
    t = np.linspace(0, 1, n)[:, None]
    level = [np.tile(np.asarray(point, float), (n, 1)) for point in control]
    while len(level) > 1:
        level = [(1 - t) * a + t * b for a, b in pairwise(level)]
    return level[0]


def limb(spine: Points, widths: Sequence[float]) -> Points:
    """A tube around `spine` whose half width runs through `widths`; ends are round."""
    along = np.gradient(spine, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    half = np.interp(np.linspace(0, 1, len(spine)), np.linspace(0, 1, len(widths)), widths)[:, None]
    turn = np.linspace(-np.pi / 2, np.pi / 2, 9)[:, None]
    cap = spine[-1] + half[-1] * (np.cos(turn) * along[-1] + np.sin(turn) * normal[-1])
    tail = spine[0] - half[0] * (np.cos(turn) * along[0] + np.sin(turn) * normal[0])
    return np.concatenate([spine - half * normal, cap, (spine + half * normal)[::-1], tail])


def spike(x: float, y: float, length: float, width: float, angle: float, bend: float = 0.0) -> Points:
    """A horn, ear or leaf from (x, y) towards `angle` (radians, 0 right, pi/2 down), bent sideways by `bend`."""
    ahead = np.array([np.cos(angle), np.sin(angle)])
    aside = np.array([-ahead[1], ahead[0]])
    root = np.array([x, y])
    middle, tip = root + ahead * length * 0.55 + aside * bend, root + ahead * length - aside * bend * 0.3
    return limb(curve(tuple(root), tuple(middle), tuple(tip)), [width, width * 0.8, width * 0.02])


def leaf(x: float, y: float, length: float, width: float, angle: float, bend: float = 0.0) -> Points:
    """Like `spike`, but narrow at the root and widest halfway: a leaf, a petal, a long ear."""
    ahead = np.array([np.cos(angle), np.sin(angle)])
    root = np.array([x, y])
    middle = root + ahead * length * 0.5 + np.array([-ahead[1], ahead[0]]) * bend
    return limb(
        curve(tuple(root), tuple(middle), tuple(root + ahead * length)),
        [width * 0.35, width, width * 0.8, width * 0.03],
    )


def wing(x: float, y: float, span: float, angle: float, feathers: int, depth: float, bat: bool) -> Points:
    """A wing rooted at (x, y): an arched leading edge, then `feathers` round (or, for a bat, hollow) scallops back."""
    edge = curve((0, 0), (0.35, 0.5), (0.8, 0.35), (1.0, 0.0))
    trail = curve((1.0, 0.0), (0.75, -depth), (0.3, -depth * 1.1), (0.0, -0.22), n=8 * feathers + 1)
    scallop = np.abs(np.sin(np.linspace(0, np.pi * feathers, len(trail))))
    trail[:, 1] += 0.13 * scallop * (1 if bat else -1)
    points = np.concatenate([edge, trail]) * span
    spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return points @ spin + (x, y)


def star(x: float, y: float, radius: float, points: int, depth: float = 0.45, turn: float = -np.pi / 2) -> Points:
    """A star; `depth` is the inner radius over the outer, 1 gives a regular polygon of twice as many corners."""
    angle = turn + np.arange(2 * points) * np.pi / points
    reach = np.where(np.arange(2 * points) % 2 == 0, radius, radius * depth)
    return np.stack([x + reach * np.cos(angle), y + reach * np.sin(angle)], axis=1)


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    """A rectangle."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)


def ridge(width: float, base: float, floor: float, waves: Sequence[tuple[float, float, float]]) -> Points:
    """Ground from a wavy skyline at height `base` down to `floor`; waves are (cycles, height, phase)."""
    x = np.linspace(-0.02, 1.02, SKYLINE)
    y = base + sum(
        (height * np.sin(2 * np.pi * cycles * x + phase) for cycles, height, phase in waves), np.zeros(SKYLINE)
    )
    return np.concatenate([np.stack([x * width, y], axis=1), [[1.02 * width, floor], [-0.02 * width, floor]]])
