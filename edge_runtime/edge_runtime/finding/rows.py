"""Where cards that lie in rows leave a gap: on a binder's page, on a table, in a shop's case.

A card whose own outline isn't seen, white on white or behind a glare, lies where its neighbours say that one must.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge_runtime.geometry import area, full_frame, shared_area, turned

ALIKE = 1.4
"""Times by which the areas of two neighbours differ at most: more is no slant, but another size of card."""
PARALLEL = 0.95
"""Cosine of the angle between two neighbours' long sides, at least: 18°."""
NEXT = (0.9, 1.8)
"""How far the next card of a row lies, in widths (or of a column, in heights) of a card; twice as far, one was passed over."""
STRAIGHT = 0.25
"""How far it lies beside the row (or the column) at most, in heights (or widths)."""
FREE = 0.2
"""Share of a place that another card may cover."""
INSIDE = 0.9
"""Share of a place that lies on the picture, at least."""


@dataclass(frozen=True)
class _Step:
    """From a card to its neighbour: float32 2, halfway between them, and whether it goes along a row or down a column."""

    way: np.ndarray
    middle: np.ndarray
    in_row: bool


def gaps(cards: Sequence[np.ndarray], size: tuple[int, int]) -> list[np.ndarray]:
    """The free places next to cards on a picture of ``size`` (width, height), as far from each card as its neighbours lie from each
    other nearby. Corners of both: float32 4×2, either way up."""
    steps = list(_steps(_one_way_up(cards)))
    frame = full_frame(*size)
    taken, free = list(cards), []
    for card in cards:
        for way in _nearest(steps, card.mean(axis=0)):
            for place in (card + way, card - way):
                whole = area(place)
                inside = shared_area(place, frame) >= INSIDE * whole
                if inside and all(shared_area(place, other) <= FREE * whole for other in taken):
                    taken.append(place)
                    free.append(place)
    return free


def _one_way_up(cards: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The cards, those turned that lie upside down beside the first."""
    down = [card[2:].sum(axis=0) - card[:2].sum(axis=0) for card in cards]
    return [card if way @ down[0] >= 0 else turned(card) for card, way in zip(cards, down, strict=True)]


def _steps(cards: Sequence[np.ndarray]) -> Iterator[_Step]:
    """From each card to the next ones to its right and below it."""
    sizes = [area(card) for card in cards]
    for card, size in zip(cards, sizes, strict=True):
        across = (card[1] + card[2] - card[0] - card[3]) / 2
        down = (card[2] + card[3] - card[0] - card[1]) / 2
        for other, other_size in zip(cards, sizes, strict=True):
            long = (other[2] + other[3] - other[0] - other[1]) / 2
            parallel = down @ long >= PARALLEL * np.linalg.norm(down) * np.linalg.norm(long)
            if not parallel or max(size, other_size) > ALIKE * min(size, other_size):
                continue
            way = other.mean(axis=0) - card.mean(axis=0)
            far = way @ across / (across @ across), way @ down / (down @ down)
            for along, beside, in_row in ((*far, True), (*far[::-1], False)):
                if abs(beside) <= STRAIGHT and NEXT[0] <= along <= 2 * NEXT[1]:
                    passed = 2 if along > NEXT[1] else 1
                    yield _Step(way / passed, card.mean(axis=0) + way / 2, in_row)


def _nearest(steps: Sequence[_Step], centre: np.ndarray) -> Iterator[np.ndarray]:
    """The step along a row and the one down a column that lie nearest to a card."""
    for in_row in (True, False):
        ways = [step for step in steps if step.in_row is in_row]
        if ways:
            yield min(ways, key=lambda step: float(np.linalg.norm(step.middle - centre))).way
