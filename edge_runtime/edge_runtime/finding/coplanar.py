"""Cards that lie on one table: in the plane of a known card each is a rectangle of 63 by 88 mm, however slanted the picture is.

So one right-angled corner, where two straight lines meet, says where all of a card lies.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from edge_runtime.finding.segments import Corners, corners_of, lines_of
from edge_runtime.geometry import CARD_MM, area, shared_area

SQUARE = 0.1
"""Cosine of a corner's angle in the plane of the known card, at most: 6° from a right angle."""
SHORTEST = 0.12
"""Length of a line, by the height of the smallest known card, at least."""
FREE = 0.02
"""Share of a known card that another may cover and still lie beside it."""
CARD = np.array([(0, 0), (CARD_MM[0], 0), CARD_MM, (0, CARD_MM[1])], np.float32)
"""A card in its own plane, in millimetres."""


def corners_around(cards: Sequence[np.ndarray], image: np.ndarray) -> Corners:
    """The corners that lines make on a picture uint8 RGB H×W×3 with known cards, float32 4×2."""
    return corners_of(lines_of(image, SHORTEST * min(float(np.linalg.norm(card[3] - card[0])) for card in cards)))


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


def beside(cards: Sequence[np.ndarray], image: np.ndarray) -> np.ndarray:
    """Where other cards may lie beside ``cards`` (corners float32 4×2), wherever on a picture uint8 RGB H×W×3: float32 N×4×2."""
    at, first, second = corners_around(cards, image)
    middles = np.array([card.mean(axis=0) for card in cards])
    # The nearest card's plane says best how large another one is there.
    nearest = np.linalg.norm(at[:, None] - middles, axis=2).argmin(axis=1) if len(at) else np.empty(0, int)
    found = [np.empty((0, 4, 2), np.float32)]
    for row, card in enumerate(cards):
        near = nearest == row
        found.append(on_picture(rectangles(card, (at[near], first[near], second[near])), card))
    places = np.concatenate(found)
    free = [all(shared_area(place, card) <= FREE * area(card) for card in cards) for place in places]
    return places[np.array(free, bool)]


def plane_of(card: np.ndarray) -> np.ndarray:
    """What leads from the picture into the plane of a card, 3×3."""
    return cv2.getPerspectiveTransform(card.astype(np.float32), CARD)


def on_picture(places: np.ndarray, card: np.ndarray) -> np.ndarray:
    """Places N×4×2 in the plane of a card as they lie on the picture: float32."""
    return moved(places.reshape(-1, 2), np.linalg.inv(plane_of(card))).reshape(-1, 4, 2).astype(np.float32)


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points N×2 where a homography 3×3 puts them."""
    return cv2.perspectiveTransform(points[None].astype(np.float64), matrix)[0] if len(points) else points


def _unit(ways: np.ndarray) -> np.ndarray:
    return ways / np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-6)
