"""Finding cards on a photo: quadrilaterals that may be one. The gallery's similarity decides later which of them are.

Classical and generous: outlines are taken from several pictures of the same photo (edges of grey and of colour at
several scales, lightness and saturation against their surroundings), since no single one shows every card: a black
border vanishes on a black table, a yellow one on wood.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import is_

import cv2
import numpy as np

from edge_runtime.finding.beneath import beneath
from edge_runtime.finding.coplanar import beside, corners_around
from edge_runtime.finding.masks import ORDER, QUICK, masks
from edge_runtime.finding.segments import Corners, joined
from edge_runtime.finding.sharpen import sharpened
from edge_runtime.finding.sides import quadrilaterals
from edge_runtime.finding.snap import snapped
from edge_runtime.finding.support import NONE, distinct, gradient, likeness, shown_beside, steepness_along, support
from edge_runtime.geometry import (
    CARD_ASPECT,
    area,
    areas,
    cross,
    following,
    full_frame,
    scaled_down,
    side_lengths,
    within,
)
from edge_runtime.timing import timed, timed_steps

WORKING_SIDE = 720
"""Pixels of the longer side that outlines are looked for on."""
ENOUGH = 0.85
"""Share of it from which half the picture will do: a camera's frame of 1280×720 is only halved, in an eighth of the time that
another size takes, and 1,204 of 1,211 such frames are named either way. Photos with small cards need more: 153 for 157 are."""
LEAST_AREA = 0.004
"""Of the photo: a card on a page of many."""
AT_HAND = 0.05
"""Of the photo: a card that is held to the camera, or lies alone before it. Of 120 frames with one card 101 need no
further look; with 0.08 it was 91, in the same time."""
ASPECTS = (0.45, 1.05)
"""Width by height of a card's outline on a photo: 0.72 seen straight, less or more when tilted."""
UNEVEN = 0.4
"""A side that is shorter than this share of the longer one of either pair of opposite sides is none of a card's."""
HOPELESS = 0.3
"""Width by height of a rough outline that sharpening makes no card of: of 2,000 on real photos none below 0.38 became one."""
WHOLE = 0.6
"""Score of the whole photo as the outline of a card."""
MERGED = 3
"""Times the area of the smallest card that an outline must span to be taken for that of more than one card."""
FULL = 0.95
"""Share of its hull that the outline of a single card fills."""
MOST_MERGED = 12
"""Cards that merged outlines are taken apart into, at most."""
MOST_JOINED = 160
"""Cards that straight lines are joined to, at most: of four cards on top of fans 24 held none, 96 two, and these all."""
JOINED_READ = 24
"""Those of them that are read, at most: the likeliest, where a filter says so. Of six cards on top of fans where nothing was named,
four were among the first ten."""
NEAR = 0.05
"""How far the sides of such a card are moved to an edge, as a share of its size: what shows of them is short."""
ABOUT = 160
"""Pixels of the height of the smallest known card on the picture that cards half under it and beside it are looked for on: of the
first, on one of 100 pixels 57 of 68 are read, on one of 160 it is 62."""
SHOWN = 0.7
"""Share of what known cards leave to be seen of such a card's sides that lies on steep ground."""
MOST_UNDER = 32
"""Places of such cards, at most."""
MOST_BESIDE = 48
"""Places of cards beside known ones, at most."""
DOUBTS = (2, 3)
"""The steps, counted from 0, that are for what the others leave in doubt."""
LINES = 3
"""The step that joins lines: for photos on which nothing was named, nor found to be another printing. On others it costs more
than it finds."""
OUTLINES = 240
"""Outlines of one photo, at most: half of them are enough for a table full of forty cards."""
FOR_DOUBTS = 0.475
"""Share of them that is kept for the steps for doubts: a table full of pattern has more outlines than can be read."""
RIM = 1.1
"""Times a card's size within which an outline counts as one of that card, which is found a little larger or smaller."""


@dataclass(frozen=True)
class Quad:
    """A candidate: corners float32 4×2 in pixels of the photo, upright up to half a turn, and a score in 0..1."""

    corners: np.ndarray
    score: float


@dataclass(frozen=True)
class Around:
    """What is seen around ``known`` cards on a photo: of a smaller picture of it, by ``scale``, on which the ``cards`` lie so, the
    corners that lines make, and how steep it is. Looked for once for both looks there."""

    known: Sequence[np.ndarray]
    scale: np.ndarray
    cards: Sequence[np.ndarray]
    corners: Corners
    steepness: np.ndarray


def find_cards(image: np.ndarray, most: int = OUTLINES) -> list[Quad]:
    """Candidates on a photo uint8 RGB H×W×3: those of all steps of :func:`in_steps`, of the last one no more than are read."""
    steps = enumerate(in_steps(image, most))
    return [quad for step, found in steps for quad in found[: JOINED_READ if step == LINES else None]]


@timed("find")
def at_hand(image: np.ndarray) -> list[Quad]:
    """The large cards on a photo uint8 RGB H×W×3, best first: a first step for frames of a stream, in a third of the time.

    Their corners are not as exact as those of :func:`in_steps`, and small cards beside them are not looked for.
    """
    halved, scale = _small(image)
    small, again = _small(halved, WORKING_SIDE // 2)
    found = _closed(islice(masks(small), len(QUICK)), [], AT_HAND * small[..., 0].size)
    scores = support(found, gradient(small))
    return [Quad(found[row] * scale * again, float(scores[row])) for row in distinct(found, scores, len(found))]


@timed("find")
def at_edges(image: np.ndarray, places: Sequence[np.ndarray]) -> list[Quad]:
    """Places float32 4×2 on a photo uint8 RGB H×W×3 where cards are said to lie, each as it is and moved to the edges near it."""
    if not places:
        return []
    small, scale = _small(image)
    steepness = gradient(small)
    found = _upright_ones([way for place in places for way in (place / scale, snapped(place / scale, steepness, NEAR))])
    return [
        Quad(outline * scale, float(score)) for outline, score in zip(found, support(found, steepness), strict=True)
    ]


@timed("find")
def around(image: np.ndarray, known: Sequence[np.ndarray], before: Around | None = None) -> Around:
    """What is seen around known cards, corners float32 4×2, on a photo uint8 RGB H×W×3; ``before``, if that is of the same ones."""
    if before is not None and len(before.known) == len(known) and all(map(is_, before.known, known)):
        return before
    high = min(float(np.linalg.norm(card[3] - card[0])) for card in known)
    small, scale = _small(image, min(WORKING_SIDE, round(max(image.shape[:2]) * ABOUT / high)))
    cards = [card / scale for card in known]
    return Around(known, scale, cards, corners_around(cards, small), gradient(small))


@timed("find")
def half_under(there: Around) -> list[np.ndarray]:
    """Where cards may lie half under known ones on the photo, those whose sides are seen best first: corners float32 4×2."""
    return _shown(beneath(there.cards, there.corners), there, MOST_UNDER)


@timed("find")
def beside_known(there: Around) -> list[np.ndarray]:
    """Where other cards may lie beside known ones, in the same way."""
    return _shown(beside(there.cards, there.corners, there.steepness.shape), there, MOST_BESIDE)


def _shown(places: np.ndarray, there: Around, most: int) -> list[np.ndarray]:
    """The places of whose sides enough is seen beside known cards, best first, on the photo."""
    found = _upright_ones(places)
    shown = shown_beside(found, there.cards, there.steepness)
    found, shown = found[shown > SHOWN], shown[shown > SHOWN]
    return [found[row] * there.scale for row in distinct(found, shown, most)]


@timed_steps("find")
def in_steps(
    image: np.ndarray, most: int = OUTLINES, named: Callable[[], Sequence[np.ndarray]] = tuple
) -> Iterator[list[Quad]]:
    """Candidates on a photo uint8 RGB H×W×3, best first within each step, ``most`` in all. ``named``: gives the corners of the
    cards that are known by then; outlines inside one may be rough.

    First from the few pictures that show the most outlines, in a fifth of the time; then from all others; then from outlines
    that are of more than one card; then from straight lines that no outline joins. The photo itself is a candidate of the first
    step when it has the shape of a card.
    """
    whole = _whole(image)[:most]
    kept, doubts = NONE, int(FOR_DOUBTS * most)
    for step, (found, scores) in enumerate(_outlines(image, named)):
        until = most if step in DOUBTS else most - doubts
        rows = distinct(found, scores, until - len(kept) - len(whole), kept)
        kept = np.concatenate([kept, found[rows]])
        yield [*(whole if step == 0 else ()), *(Quad(found[row], float(scores[row])) for row in rows)]


def _whole(image: np.ndarray) -> list[Quad]:
    """The photo itself, where it has the shape of a card."""
    height, width = image.shape[:2]
    aspect = min(width, height) / max(width, height)
    if abs(aspect / CARD_ASPECT - 1) >= 0.12:
        return []
    return [Quad(outline, WHOLE) for outline in _upright_ones([full_frame(width, height)])]


def _outlines(image: np.ndarray, named: Callable[[], Sequence[np.ndarray]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The outlines of each step on the photo, float32 N×4×2, and their scores, float64 N."""
    small, scale = _small(image)
    least, steepness = LEAST_AREA * small[..., 0].size, gradient(small)
    merged: list[np.ndarray] = []
    made = masks(small)
    for count in (len(QUICK), len(ORDER) - len(QUICK)):
        found = _closed(islice(made, count), merged, least, [corners / scale for corners in named()])
        yield found * scale, support(found, steepness)
    found = _taken_apart(merged, steepness, least)
    yield found * scale, support(found, steepness)
    found = _upright_ones(_best(joined(small, least), steepness, MOST_JOINED))
    yield found * scale, support(found, steepness)


def _small(image: np.ndarray, side: int = WORKING_SIDE) -> tuple[np.ndarray, np.ndarray]:
    """The picture to work on, no larger than it is, and what leads from places on it back to the photo's, float32 2."""
    height, width = image.shape[:2]
    longer = max(height, width)
    shrink = 0.5 if ENOUGH * side <= longer / 2 <= side else min(1.0, side / longer)
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    return (scaled_down(image, size) if shrink < 1 else image), np.divide((width, height), size, dtype=np.float32)


def _closed(
    made: Iterable[np.ndarray], merged: list[np.ndarray], least: float, named: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """The outlines that masks close around, float32 N×4×2 of at least so many square pixels; those inside ``named`` cards stay
    rough: nobody will read them. To ``merged`` come the contours that may be of more than one card."""
    rough: list[np.ndarray] = []
    hulls: list[np.ndarray | None] = []
    for mask in made:
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        for contour in contours:
            _, _, width, height = cv2.boundingRect(contour)
            if width * height < least:
                continue
            hull = cv2.convexHull(contour)
            corners, may_be_sharper = _quadrilateral(hull)
            if corners is not None:
                rough.append(corners)
                hulls.append(hull[:, 0] if may_be_sharper else None)
            whole = corners is not None and cv2.contourArea(contour) > FULL * cv2.contourArea(hull)
            if width * height >= MERGED * least and not whole:
                merged.append(contour)
    outlines = np.array(rough, np.float32).reshape(-1, 4, 2)
    for card in named:
        for row in np.flatnonzero(within(outlines, card, RIM)):
            hulls[row] = None
    found = _upright_ones(sharpened(rough, hulls))
    return found[areas(found) >= least]


def _taken_apart(contours: Sequence[np.ndarray], steepness: np.ndarray, least: float) -> np.ndarray:
    """The best supported cards that sides of the contours make, as they are and moved to the edges near them: float32 N×4×2."""
    size = steepness.shape[1], steepness.shape[0]
    made = np.concatenate([NONE, *(quadrilaterals(contour, least, size) for contour in contours)])
    best = _best(made, steepness, MOST_MERGED)
    return _upright_ones([way for outline in best for way in (outline, snapped(outline, steepness, NEAR))])


def _best(outlines: np.ndarray, steepness: np.ndarray, most: int) -> np.ndarray:
    """The best supported of outlines N×4×2 whose first side may be a short or a long one, each so that it has a card's shape."""
    steep, sides = steepness_along(outlines, steepness), side_lengths(outlines)
    scores, others = steep * likeness(sides), steep * likeness(np.roll(sides, 1, axis=1))
    outlines = np.where((others > scores)[:, None, None], np.roll(outlines, 1, axis=1), outlines)
    return outlines[distinct(outlines, np.maximum(scores, others), most)]


def _upright_ones(outlines: Iterable[np.ndarray]) -> np.ndarray:
    """Those that have a card's shape, float32 N×4×2: their corners in the order of an upright card, up to half a turn."""
    found = np.array(list(outlines), np.float32).reshape(-1, 4, 2)
    away = found - found.mean(axis=1, keepdims=True)
    ring = np.argsort(np.arctan2(away[..., 1], away[..., 0]), axis=1, kind="stable")
    found = np.take_along_axis(found, ring[..., None], axis=1)
    ways = following(found) - found
    turns = cross(ways, following(ways))
    sides = np.linalg.norm(ways, axis=2)
    first, second = (sides[:, 0] + sides[:, 2]) / 2, (sides[:, 1] + sides[:, 3]) / 2
    found = np.where((first > second)[:, None, None], following(found), found)
    least = sides.min(axis=1)
    even = (least >= UNEVEN * sides[:, [0, 2]].max(axis=1)) | (least >= UNEVEN * sides[:, [1, 3]].max(axis=1))
    aspects = np.minimum(first, second) / np.maximum(np.maximum(first, second), 1e-6)
    # Of the two ends that may be the top, take the one higher on the photo.
    top, bottom = found[:, :2, 1].sum(axis=1), found[:, 2:, 1].sum(axis=1)
    found = np.where((top > bottom)[:, None, None], found[:, [2, 3, 0, 1]], found)
    return found[(turns > 0).all(axis=1) & even & (aspects >= ASPECTS[0]) & (aspects <= ASPECTS[1])]


def _quadrilateral(hull: np.ndarray) -> tuple[np.ndarray | None, bool]:
    """Four corners around a hull, float32 4×2, if they may be a card's, and whether they are rough: a box fits as it is."""
    length = cv2.arcLength(hull, True)
    for tolerance in (0.02, 0.04, 0.06):
        rough = cv2.approxPolyDP(hull, tolerance * length, True)
        if len(rough) == 4:
            corners = rough[:, 0].astype(np.float32)
            return (corners if _aspect(corners) > HOPELESS else None), True
    box = cv2.boxPoints(cv2.minAreaRect(hull)).astype(np.float32)
    fills = cv2.contourArea(hull) / max(area(box), 1e-6)
    return (box if fills > 0.85 else None), False


def _aspect(corners: np.ndarray) -> float:
    """The shorter pair of opposite sides by the longer one."""
    (a, b), (c, d), (e, f), (g, h) = corners.tolist()
    first = math.hypot(c - a, d - b) + math.hypot(g - e, h - f)
    second = math.hypot(e - c, f - d) + math.hypot(a - g, b - h)
    return min(first, second) / max(first, second, 1e-6)
