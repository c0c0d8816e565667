"""Whether a scene is as it was when it was searched for cards, though the camera moved: then it need not be searched again.

The picture of then is laid over that of now by points all over it that are followed, as those of a card are
(:mod:`edge_runtime.following.motion`), and both are compared. Where that fails, they differ: it costs a search, and hides no card.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_runtime.following.motion import evened, found_again
from edge_runtime.geometry import narrowed
from edge_runtime.timing import timed

ACROSS = 160
"""Pixels across that the pictures have. The smallest card that is looked for covers fifty of them."""
POINTS = np.stack(np.meshgrid((np.arange(8) + 0.5) / 8, (np.arange(5) + 0.5) / 5), axis=-1).reshape(-1, 2)
"""Where on a picture, P×2 of its width and height, the points lie that are followed."""
STAYS = np.eye(2, 3)
"""What leads from places on a picture to the same places."""
HALVINGS = 2
"""Of the pictures, to find points that moved far."""
FEWEST = 6
"""Points that must be found again."""
ASTRAY = 0.5
"""Pixels by which a point may miss its place."""
FLATTEST = 16.0
"""Standard deviation of colour below which no more is made of a picture's contrast: it would be made of its grain."""
SOFT = 5
"""Pixels of a square whose mean is compared: what is sharp on one frame is blurred on another."""
EDGE = 6
"""Pixels along the edge that are not compared: what came into view there is a card only when more of it does."""
LEAST = 0.5
"""Share of a picture that must be left to compare."""
CHANGED = 18
"""Levels by which two means of the same place differ, in any colour, where something came or went, in pictures whose contrast was
brought to one measure. Of 200 frames each, for which the camera had shaken only, 80 % stayed below (easy; hard: 56 %); of as many
onto which a card of 0.6 to 3 % of the frame was laid, none; of the smallest cards, all as light and as coloured in the mean as the
ground around them, 4.5 % (easy; hard: none)."""


@dataclass(frozen=True)
class _Picture:
    """Of one scene: grey uint8 H×W to follow points on, and soft uint8 H×W×3 to compare."""

    grey: np.ndarray
    soft: np.ndarray

    @classmethod
    def of(cls, small: np.ndarray) -> "_Picture":
        colours = evened(narrowed(small, ACROSS), FLATTEST)
        return cls(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY), cv2.blur(colours, (SOFT, SOFT)))


class Scene:
    """Remembers the frame that was last searched."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Have the next frame differ, whatever it shows."""
        self._then: _Picture | None = None
        self._now: _Picture | None = None
        self.searches = 0
        """Times that the scene as it is was searched in a row."""

    def was_searched(self, small: np.ndarray) -> None:
        """The frame of which ``small`` is :func:`edge_runtime.geometry.overview` was searched for all that lies in plain view."""
        self.searches = 1 if self.changed(small) else self.searches + 1
        self._then = self._now

    @timed("find")
    def changed(self, small: np.ndarray) -> bool:
        """Whether something may have come or gone since; also where no frame was searched, or the two don't overlap enough."""
        then, now = self._then, _Picture.of(small)
        self._now = now
        if then is None or then.grey.shape != now.grey.shape:
            return True
        if not _differ(then.soft, now.soft, STAYS):  # as on a ground that shows no points to follow
            return False
        way = _way(then.grey, now.grey)
        return way is None or _differ(then.soft, now.soft, way)


def _way(then: np.ndarray, now: np.ndarray) -> np.ndarray | None:
    """What leads from places on the one grey picture to those on the other, float64 2×3; None where too few points are found."""
    height, width = then.shape
    points = (POINTS * (width, height)).astype(np.float32)
    there, kept = found_again(then, now, points, HALVINGS)
    if kept.sum() < FEWEST:
        return None
    return cv2.estimateAffinePartial2D(points[kept], there[kept], ransacReprojThreshold=ASTRAY)[0]


def _differ(then: np.ndarray, now: np.ndarray, way: np.ndarray) -> bool:
    """Whether one of two pictures uint8 H×W×3, the first moved, differs anywhere from the other; or hardly shows the same."""
    size = now.shape[1::-1]
    inner = np.zeros(now.shape[:2], np.uint8)
    inner[EDGE:-EDGE, EDGE:-EDGE] = 255
    both = cv2.threshold(cv2.bitwise_and(cv2.warpAffine(inner, way, size), inner), 254, 255, cv2.THRESH_BINARY)[1]
    if cv2.countNonZero(both) < LEAST * both.size:
        return True
    apart = cv2.absdiff(cv2.warpAffine(then, way, size), now)
    return bool(cv2.bitwise_and(apart, apart, mask=both).max() >= CHANGED)
