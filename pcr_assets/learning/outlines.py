"""What the outline filter learns from: the outlines that the edge finds on simulated scenes, with what each one is.

A scene is a function of (seed, kind, number) and nothing else, so the same settings give the same outlines again.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from edge_runtime.geometry import CARD_ASPECT, full_frame, overlap, scaled, thumbnails
from edge_runtime.locate import find_cards
from pcr_assets.imaging import camera
from pcr_assets.learning.data import Cards, Image
from pcr_assets.learning.settings import OutlineFilterSettings

FRAMES = ((720, 405), (405, 720), (720, 540), (540, 720))
"""Width and height of the scenes: the finder looks at no more of a photo."""
ON_A_TABLE = (0, 1, 1, 1, 2, 3, 4, 6, 9, 12)
"""How many cards lie on one."""
CLOSE_UPS = 0.08
"""Share of scenes that are nothing but a card."""
IN_ROWS = 0.4
"""Share of all others whose cards lie side by side: what two neighbours form is no card."""
KINDS = ("train", "validation", "test")
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


def outlines(cards: Cards, settings: OutlineFilterSettings, kind: str, scenes: int, threads: int) -> Outlines:
    """The outlines of so many scenes with these cards. ``kind``: one of :data:`KINDS`, each has scenes of its own."""

    def looked(number: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([settings.seed, KINDS.index(kind), number])
        photo, places = scene(cards.image, len(cards), settings, rng)
        found = [quad.corners for quad in find_cards(photo)]
        crops = thumbnails(photo, [scaled(corners, settings.margin) for corners in found], settings.size)
        shared = [[overlap(corners, place) for place in places] for corners in found]
        return crops, np.array(shared, np.float32).reshape(len(found), len(places))

    with ThreadPoolExecutor(threads) as pool:
        seen = list(pool.map(looked, range(scenes)))
    starts = np.cumsum([0, *(shared.shape[1] for _, shared in seen)])
    numbers = [
        start + shared.argmax(axis=1) if shared.shape[1] else np.full(len(shared), -1)
        for start, (_, shared) in zip(starts[:-1], seen, strict=True)
    ]
    return Outlines(
        crops=np.concatenate([crops for crops, _ in seen]),
        overlaps=np.concatenate([shared.max(axis=1, initial=0.0) for _, shared in seen]).astype(np.float32),
        numbers=np.concatenate(numbers).astype(np.int64),
        cards=int(starts[-1]),
    )


def scene(
    image: Callable[[int], Image], cards: int, settings: OutlineFilterSettings, rng: np.random.Generator
) -> tuple[Image, list[np.ndarray]]:
    """A photo uint8 RGB and the corners of the cards on it: a table with none, one or many, or nothing but a card."""
    strength = settings.strengths[int(rng.integers(len(settings.strengths)))]
    if rng.random() < CLOSE_UPS:
        height = int(rng.integers(160, 560))
        size = (round(height * CARD_ASPECT * rng.uniform(0.95, 1.05)), height)
        return camera.rectified(image(int(rng.integers(cards))), rng, strength, size), [full_frame(*size)]
    count = int(rng.choice(ON_A_TABLE))
    laid = [image(int(row)) for row in rng.integers(0, cards, count)]
    frame = FRAMES[int(rng.integers(len(FRAMES)))]
    return camera.scene(laid, rng, frame, strength=strength, in_rows=rng.random() < IN_ROWS)
