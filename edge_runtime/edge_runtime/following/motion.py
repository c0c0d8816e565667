"""Where the cards of one frame lie on the next: what is printed on them is looked for near the place where it was.

Points on each card are followed from a small picture of the one frame to that of the other (Lucas and Kanade, IJCAI 1981, over a
pyramid), and its corners go where most of them say. That takes a sixth of finding cards anew, and the corners stay as good as
they were. Whether what lies there is still that card is another matter: it is read there.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from edge_runtime.geometry import area, full_frame
from edge_runtime.reading.readings import Reading
from edge_runtime.timing import timed

POINTS = np.stack(np.meshgrid(np.linspace(0.1, 0.9, 4), np.linspace(0.07, 0.93, 6)), axis=-1).reshape(1, -1, 2)
"""Where on a card, 1×P×2 of its width and height, the points lie that are followed."""
WINDOW = (11, 11)
"""Pixels around a point that are looked for."""
HALVINGS = 3
"""Of the small pictures, to find points that moved far."""
ASTRAY = 1.0
"""Pixels of the small picture by which a point may miss its place."""
FEWEST = POINTS.shape[1] // 2
"""Points of a card that must agree on where it went."""
GROWN = 1.5
"""Times its area that a card may take, or the other way round, between two frames."""
SPREAD = 50.0
"""Standard deviation of grey to which a frame is brought: a camera's exposure changes from one to the next."""


class Following:
    """Remembers the cards of the frame that was last read, and that frame, small."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Follow nothing, until cards are seen again."""
        self._cards: Sequence[Reading] = ()
        self._grey = self._next = np.empty((0, 0), np.uint8)
        self._small: np.ndarray | None = None

    def saw(self, cards: Sequence[Reading], small: np.ndarray) -> None:
        """These cards were read on a frame, of which ``small`` is :func:`edge_runtime.geometry.overview`."""
        self._cards, self._grey = cards, self._evened(small)

    def now(self, image: np.ndarray, small: np.ndarray) -> tuple[Reading, ...]:
        """The cards of the last frame, with the corners that they have on this one; without those that can't be told."""
        if not self._cards or self._grey.shape != small.shape[:2]:
            return ()
        scale = np.divide(image.shape[1::-1], small.shape[1::-1], dtype=np.float32)
        places = moved(self._grey, self._evened(small), [card.corners / scale for card in self._cards])
        return tuple(
            replace(card, corners=place * scale)
            for card, place in zip(self._cards, places, strict=True)
            if place is not None
        )

    def _evened(self, small: np.ndarray) -> np.ndarray:
        """The grey picture of a frame, made once: a frame is followed to, and then followed from."""
        if self._small is not small:
            self._small, self._next = small, evened(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
        return self._next


@timed("find")
def moved(before: np.ndarray, now: np.ndarray, outlines: Sequence[np.ndarray]) -> list[np.ndarray | None]:
    """Where outlines float32 4×2 on one grey picture uint8 H×W lie on another of the same size; None where few points agree."""
    unit = full_frame(1, 1)
    points = np.concatenate(
        [cv2.perspectiveTransform(POINTS, cv2.getPerspectiveTransform(unit, outline))[0] for outline in outlines]
    ).astype(np.float32)
    there, found = found_again(before, now, points, HALVINGS)
    each = POINTS.shape[1]
    return [
        _moved(outline, points[at : at + each], there[at : at + each], found[at : at + each])
        for outline, at in zip(outlines, range(0, len(points), each), strict=True)
    ]


def found_again(
    before: np.ndarray, now: np.ndarray, points: np.ndarray, halvings: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where points float32 N×2 on one grey picture uint8 H×W lie on another of the same size, float32 N×2, and which were found:
    bool N. ``halvings``: of the pictures, to find points that moved far."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before, now, points, np.empty_like(points), winSize=WINDOW, maxLevel=halvings
    )
    return there, found[:, 0] > 0


def _moved(outline: np.ndarray, points: np.ndarray, there: np.ndarray, found: np.ndarray) -> np.ndarray | None:
    if found.sum() < FEWEST:
        return None
    way, agree = cv2.estimateAffine2D(points[found], there[found], ransacReprojThreshold=ASTRAY)
    if way is None or agree.sum() < FEWEST or not np.isfinite(way).all():
        return None
    place = cv2.transform(outline[None], way)[0]
    return place if area(outline) / GROWN < area(place) < area(outline) * GROWN else None


def evened(picture: np.ndarray, flattest: float = 1.0) -> np.ndarray:
    """A picture uint8 H×W or H×W×3 brought to one lightness and contrast over all, in each of its colours; one of less contrast
    than ``flattest`` (standard deviation) only in part."""
    mean, spread = cv2.meanStdDev(picture)  # C×1
    levels = (np.arange(256) - mean) * (SPREAD / np.maximum(spread, flattest)) + 128
    return cv2.LUT(picture, levels.clip(0, 255).astype(np.uint8).T[:, None])
