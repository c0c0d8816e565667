"""How cards lie on a table: scattered, in rows, in a fan, in a pile.

A layout takes how many cards there are, the frame's size (width, height) in pixels, and a generator. It gives the corners of each
card, float64 4×2, flat on the table in the frame's pixels; a later card lies on an earlier one.
"""

from collections.abc import Callable

import numpy as np

from edge_runtime import geometry

Layout = Callable[[int, tuple[int, int], np.random.Generator], list[np.ndarray]]


def scattered(count: int, size: tuple[int, int], rng: np.random.Generator) -> list[np.ndarray]:
    """Any turn, side by side, inside the frame."""
    width, height = size
    most = 0.85 * min(height, width) / max(1.0, np.sqrt(count * height / width) * 1.25)
    tall = rng.uniform(0.45, 1.0) * most
    spot: list[np.ndarray] = []
    while len(spot) < count:
        reach = 0.62 * tall  # half the diagonal of a card
        margin = np.minimum(reach, np.array(size) / 2 - 1)
        tries = rng.uniform(margin, np.array(size) - margin, (40, 2))
        free = [at for at in tries if all(np.hypot(*(at - other)) > 1.75 * reach for other in spot)]
        if free:
            spot.append(free[0])
        else:
            spot, tall = [], 0.9 * tall
    return [_upright(tall) @ turn(rng.uniform(0, 2 * np.pi)) + at for at in spot]


def in_rows(count: int, size: tuple[int, int], rng: np.random.Generator) -> list[np.ndarray]:
    """Side by side and one way up, as in a binder or a shop's display: some millimetres apart, the whole page turned a little."""
    if not count:
        return []
    aspect = geometry.CARD_ASPECT
    columns = int(np.clip(round(np.sqrt(count * size[0] / size[1] / aspect) * rng.uniform(0.7, 1.3)), 1, count))
    rows = -(-count // columns)
    gap = 1 + rng.uniform(0.02, 0.15)
    tall = rng.uniform(0.6, 0.9) * min(size[1] / (rows * gap), size[0] / (columns * aspect * gap))
    step = np.array([tall * (aspect + gap - 1), tall * gap])
    middle = (np.array([columns, rows]) - 1) / 2
    page = turn(rng.normal(0, 0.1))
    spots = [(np.array([at % columns, at // columns]) - middle) * step for at in range(count)]
    return [(_upright(tall) + spot) @ page + np.array(size) / 2 for spot in spots]


def in_a_fan(count: int, size: tuple[int, int], rng: np.random.Generator) -> list[np.ndarray]:
    """As held in a hand: each card turned about a point below it, so that it covers some 30 to 60 % of the one before."""
    tall = rng.uniform(0.45, 0.65) * min(size)
    pivot = np.array([0.0, rng.uniform(0.7, 1.6) * tall])
    # By so much the middle of the next card lies aside, in widths of a card.
    aside = rng.uniform(0.4, 0.7, count) * geometry.CARD_ASPECT * tall
    angles = np.cumsum(aside / pivot[1]) * rng.choice((-1, 1))
    hand = turn(rng.uniform(0, 2 * np.pi))
    return _centred([((_upright(tall) - pivot) @ turn(angle) + pivot) @ hand for angle in angles], size)


def in_a_pile(count: int, size: tuple[int, int], rng: np.random.Generator) -> list[np.ndarray]:
    """As thrown down: any turn, each over the edge of the one before."""
    tall = rng.uniform(0.4, 0.6) * min(size)
    way = rng.uniform(0, 2 * np.pi)
    spot, spots = np.zeros(2), []
    for _ in range(count):
        spots.append(spot)
        way += rng.normal(0, 0.9)
        spot = spot + rng.uniform(0.45, 0.85) * tall * np.array([np.cos(way), np.sin(way)])
    return _centred([_upright(tall) @ turn(rng.uniform(0, 2 * np.pi)) + at for at in spots], size)


def turn(angle: float) -> np.ndarray:
    """The 2×2 matrix that turns rows of points by an angle in radians."""
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _upright(tall: float) -> np.ndarray:
    """Corners of an upright card of this height around the origin, 4×2."""
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array([geometry.CARD_ASPECT, 1.0]) * tall / 2


def _centred(cards: list[np.ndarray], size: tuple[int, int]) -> list[np.ndarray]:
    """The cards with their bounds in the middle of the frame."""
    if not cards:
        return []
    every = np.concatenate(cards)
    middle = (every.min(axis=0) + every.max(axis=0)) / 2
    return [corners - middle + np.array(size) / 2 for corners in cards]
