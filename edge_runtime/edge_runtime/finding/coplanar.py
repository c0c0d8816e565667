"""Cards that lie on one table: in the plane of a known card each is a rectangle of 63 by 88 mm, however slanted the picture is.

So one right-angled corner, where two straight lines meet, says where all of a card lies.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from edge_runtime.finding.segments import Corners, line_corners, lines_of
from edge_runtime.geometry import CARD_MM

SQUARE = 0.1
"""Cosine of a corner's angle in the plane of the known card, at most: 6° from a right angle."""
SHORTEST = 0.12
"""Length of a line, by the height of the smallest known card, at least."""
FREE = 0.4
"""Share of a card that known ones may take: it may lie on one of them, or under it and be read all the same."""
OWN = 1.5
"""Millimetres by which the corners of a known card's own print and sides lie inside of it, or outside at most."""
ASLANT = 0.07
"""Sine of the angle between a card's sides and what lies on it, at least: 4°. What runs along its sides is its own print."""
WITHIN = np.stack(np.meshgrid(np.linspace(0.08, 0.92, 6), np.linspace(0.08, 0.92, 8)), axis=-1).reshape(-1, 2)
"""Points of a card at which it is asked whether a known one lies there, N×2: across and down."""
CARD = np.array([(0, 0), (CARD_MM[0], 0), CARD_MM, (0, CARD_MM[1])], np.float32)
"""A card in its own plane, in millimetres."""


def corners_around(cards: Sequence[np.ndarray], image: np.ndarray) -> Corners:
    """The corners that lines make on a picture uint8 RGB H×W×3 with known cards, float32 4×2."""
    return line_corners(lines_of(image, SHORTEST * min(float(np.linalg.norm(card[3] - card[0])) for card in cards)))


def rectangles(card: np.ndarray, corners: Corners) -> np.ndarray:
    """All cards that the right-angled ones among N corners may belong to, in the plane of a card (corners float32 4×2), where it
    is :data:`CARD`: float64 M×4×2 in millimetres, the corner first."""
    at, first, second = corners
    plane = plane_of(card)
    there = moved(at, plane)
    one, other = (_unit(moved(at + way, plane) - there) for way in (first, second))
    square = np.abs((one * other).sum(axis=1)) < SQUARE
    there, one, other = there[square], one[square], other[square]
    found = [
        np.stack([there, there + across * one, there + across * one + down * other, there + down * other], axis=1)
        for across, down in (CARD_MM, CARD_MM[::-1])
    ]
    return np.concatenate(found)


def beside(cards: Sequence[np.ndarray], corners: Corners, shape: tuple[int, ...]) -> np.ndarray:
    """Where other cards may lie beside ``cards`` (corners float32 4×2), wherever on a picture of a ``shape`` (H×W) whose lines make
    these corners: float32 N×4×2."""
    at, first, second = corners
    middles = np.array([card.mean(axis=0) for card in cards])
    # The nearest card's plane says best how large another one is there.
    nearest = np.linalg.norm(at[:, None] - middles, axis=2).argmin(axis=1)
    found = [np.empty((0, 4, 2), np.float32)]
    for row, card in enumerate(cards):
        near = nearest == row
        made = rectangles(card, (at[near], first[near], second[near]))
        found.append(on_picture(made[~_of_its_own(made)], card))
    places = np.concatenate(found)
    return places[_taken(places, cards, shape) <= FREE]


def plane_of(card: np.ndarray) -> np.ndarray:
    """What leads from the picture into the plane of a card, 3×3."""
    return cv2.getPerspectiveTransform(card.astype(np.float32), CARD)


def on_picture(places: np.ndarray, card: np.ndarray) -> np.ndarray:
    """Places N×4×2 in the plane of a card as they lie on the picture: float32."""
    return moved(places.reshape(-1, 2), np.linalg.inv(plane_of(card))).reshape(-1, 4, 2).astype(np.float32)


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points N×2 where a homography 3×3 puts them."""
    return cv2.perspectiveTransform(points[None].astype(np.float64), matrix)[0] if len(points) else points


def _of_its_own(places: np.ndarray) -> np.ndarray:
    """Which of M×4×2 places in the plane of a card begin at a corner of that card itself or of its print: bool M."""
    corners, ways = places[:, 0], _unit(places[:, 1] - places[:, 0])
    inside = ((corners > -OWN) & (corners < CARD[2] + OWN)).all(axis=1)
    return np.asarray(inside & (np.abs(ways).min(axis=1) < ASLANT))


def _taken(places: np.ndarray, cards: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """The share of each of N places N×4×2 that cards take on a picture of a shape, or that lies outside of it: float64 N."""
    ground = np.zeros((shape[0] + 2, shape[1] + 2), np.uint8)
    ground[[0, -1], :] = ground[:, [0, -1]] = 1
    for card in cards:
        cv2.fillConvexPoly(ground, np.rint(card + 1).astype(np.int32), 1)
    across, down = WITHIN.T[:, :, None]  # P×1 each
    upper, lower = (
        start[:, None] + across * (end - start)[:, None]
        for start, end in ((places[:, 0], places[:, 1]), (places[:, 3], places[:, 2]))
    )
    points = np.rint(upper + down * (lower - upper)).astype(int) + 1  # N×P×2
    columns, rows = points[..., 0].clip(0, shape[1] + 1), points[..., 1].clip(0, shape[0] + 1)
    return np.asarray(ground[rows, columns].mean(axis=1))


def _unit(ways: np.ndarray) -> np.ndarray:
    return ways / np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-6)
