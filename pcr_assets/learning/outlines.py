"""What the outline filter learns from: the outlines that the edge finds on simulated scenes, with what each one is.

A scene is a function of (seed, split, strength, number) and nothing else, so the same settings give the same outlines again.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from edge_runtime.finding.locate import find_cards
from edge_runtime.geometry import CARD_ASPECT, full_frame, overlap, scaled, thumbnails
from pcr_assets.imaging import camera
from pcr_assets.imaging.camera.layouts import in_rows, scattered
from pcr_assets.learning.data import Cards, Image
from pcr_assets.learning.settings import OutlineFilterSettings

FRAMES = ((720, 405), (405, 720), (720, 540), (540, 720))
"""Width and height of the scenes: the finder looks at no more of a photo."""
ON_A_TABLE = (0, 1, 1, 1, 2, 3, 4, 6, 9, 12)
"""How many cards lie on one."""
CLOSE_UPS = 0.12
"""Share of scenes that are nothing but a card."""
IN_ROWS = 0.4
"""Share of all others whose cards lie side by side: what two neighbours form is no card."""
WHOLE = 0.8
"""Overlap with a card from which an outline is good enough to read it."""


@dataclass(frozen=True)
class Outlines:
    """N outlines: what the filter sees of them (uint8 N×H×W×3), how far each overlaps the card that it fits best (float32
    N, intersection over union), and that card's number among the cards of all scenes (int64 N, -1 where there is none).

    ``cards``: how many cards there were, found or not.
    """

    crops: np.ndarray
    overlaps: np.ndarray
    numbers: np.ndarray
    cards: int

    def best(self, values: np.ndarray) -> np.ndarray:
        """Of each card that has an outline good enough to read, the greatest of its outlines' values: float32, sorted."""
        whole = self.overlaps >= WHOLE
        found: dict[int, float] = {}
        for number, value in zip(self.numbers[whole].tolist(), values[whole].tolist(), strict=True):
            found[number] = max(found.get(number, 0.0), value)
        return np.sort(np.array(list(found.values()), np.float32))


def joined(parts: Sequence[Outlines]) -> Outlines:
    """The outlines of all parts. Cards are numbered on: parts share none."""
    starts = np.cumsum([0, *(part.cards for part in parts)])
    numbers = [
        np.where(part.numbers < 0, -1, part.numbers + start) for part, start in zip(parts, starts[:-1], strict=True)
    ]
    crops, overlaps = (np.concatenate([getattr(part, name) for part in parts]) for name in ("crops", "overlaps"))
    return Outlines(crops, overlaps, np.concatenate(numbers), int(starts[-1]))


def outlines(
    cards: Cards, settings: OutlineFilterSettings, split: str, strength: str, scenes: int, threads: int
) -> Outlines:
    """The outlines of so many scenes with the cards of a split, at a strength of the camera."""

    def looked(number: int) -> Outlines:
        rng = np.random.default_rng([settings.seed, *split.encode(), *strength.encode(), number])
        photo, places = scene(cards.image, len(cards), strength, rng)
        found = [quad.corners for quad in find_cards(photo)]
        crops = thumbnails(photo, [scaled(corners, settings.margin) for corners in found], settings.size)
        shared = np.array([[overlap(corners, place) for place in places] for corners in found], np.float32)
        if not shared.size:
            return Outlines(crops, np.zeros(len(found), np.float32), np.full(len(found), -1), len(places))
        return Outlines(crops, shared.max(axis=1), shared.argmax(axis=1), len(places))

    with ThreadPoolExecutor(threads) as pool:
        return joined(list(pool.map(looked, range(scenes))))


def scene(
    image: Callable[[int], Image], cards: int, strength: str, rng: np.random.Generator
) -> tuple[Image, list[np.ndarray]]:
    """A photo uint8 RGB and the corners of the cards on it: a table with none, one or many, or nothing but a card.

    ``cards``: how many there are to choose from; of none, every table is empty.
    """
    if rng.random() < CLOSE_UPS and cards:
        height = int(rng.integers(160, 560))
        size = (round(height * CARD_ASPECT * rng.uniform(0.95, 1.05)), height)
        return camera.rectified(image(int(rng.integers(cards))), rng, strength, size), [full_frame(*size)]
    count = int(rng.choice(ON_A_TABLE)) if cards else 0
    laid = [image(int(row)) for row in rng.integers(0, cards, count)]
    frame = FRAMES[int(rng.integers(len(FRAMES)))]
    return camera.scene(laid, rng, frame, strength=strength, layout=in_rows if rng.random() < IN_ROWS else scattered)
