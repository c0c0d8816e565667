"""What the printing verifier learns from: cards through the camera, laid over the picture of the same card or of another printing.

The other printings are made up (:mod:`pcr_assets.imaging.printings`). A pair is a function of (seed, split, strength, number)
and nothing else.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from edge_runtime.geometry import full_frame, whole_card
from edge_runtime.judging.features import features
from edge_runtime.judging.likeness import shrunk
from edge_runtime.judging.printing_verifier import SMALL, evened
from edge_runtime.judging.references import HALF, SIZE
from edge_runtime.judging.second_look import FEWEST_TO_FIT, agreement, laid_over
from pcr_assets.imaging import camera
from pcr_assets.imaging.printings import WAYS, lender, other_printing
from pcr_assets.learning.data import Cards, Image
from pcr_assets.learning.settings import PrintingVerifierSettings

SAME = 0.45
"""Share of pairs that are one printing."""
FAR = 0.15
"""Share of pairs whose card is seen at a third to a half of the picture's resolution, and is otherwise as it is."""
LEAST_SMALL = 70
"""Width in pixels of the smallest card that is judged: of fewer pixels hardly any points agree."""
SHAKEN = 0.012
"""Share of its width by which a scan's corners lie elsewhere on another scanner, at most."""


@dataclass(frozen=True)
class Pairs:
    """N cards, each laid over a picture: what the verifier sees of both (float16 N×2×H×W, evened), whether they are one printing
    (bool N), and, where they are not, in what they differ (else "")."""

    views: np.ndarray
    same: np.ndarray
    ways: Sequence[str]

    def __len__(self) -> int:
        return len(self.same)


def pairs(
    cards: Cards,
    settings: PrintingVerifierSettings,
    split: str,
    strength: str,
    count: int,
    threads: int,
    *,
    small: bool = False,
) -> Pairs:
    """Up to so many pairs of the cards of a split at a strength of the camera, all of them ``small`` on the photo or as they come:
    fewer than ``FEWEST_TO_FIT`` agreeing points make none, as on the edge."""

    def made(number: int) -> tuple[np.ndarray, str] | None:
        rng = np.random.default_rng([settings.seed, *split.encode(), *strength.encode(), number])
        return pair(cards.image, cards.art_groups, strength, rng, _small if small else _seen)

    with ThreadPoolExecutor(threads) as pool:
        found = [each for each in pool.map(made, range(count if len(cards) else 0)) if each]
    views = np.stack([views for views, _ in found]) if found else np.empty((0, 2, HALF[1], HALF[0]), np.float16)
    ways = [way for _, way in found]
    return Pairs(views, np.array([not way for way in ways], bool), ways)


def joined(parts: Sequence[Pairs]) -> Pairs:
    """The pairs of all parts."""
    views, same = (np.concatenate([getattr(part, name) for part in parts]) for name in ("views", "same"))
    return Pairs(views, same, [way for part in parts for way in part.ways])


def pair(
    image: Callable[[int], Image],
    art_groups: Sequence[str],
    strength: str,
    rng: np.random.Generator,
    seen: Callable[[Image, str, np.random.Generator], Image],
) -> tuple[np.ndarray, str] | None:
    """What the verifier sees of a card and a picture, float16 2×H×W, and in what they differ; None if they can't be laid over
    each other."""
    row = int(rng.integers(len(art_groups)))
    scan, way = image(row), "" if rng.random() < SAME else str(rng.choice(WAYS))
    other = lender(art_groups, row, rng) if way else None
    shown = scan if other is None else other_printing(scan, image(other), way, rng)
    way = "" if other is None else way
    picture, card = whole_card(scan, SIZE), seen(_scanned_anew(shown, rng), strength, rng)
    points, homography = agreement(features(card), features(picture))
    if homography is None or points < FEWEST_TO_FIT:
        return None
    return np.stack([evened(laid_over(shrunk(card, HALF), homography)), evened(shrunk(picture, HALF))]).astype(
        np.float16
    ), way


def _seen(card: Image, strength: str, rng: np.random.Generator) -> Image:
    """The card through the camera, or, now and then, from afar."""
    if rng.random() >= FAR:
        return camera.rectified(card, rng, strength, SIZE)
    share = rng.uniform(0.35, 0.55)
    small = cv2.resize(whole_card(card, SIZE), None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, SIZE, interpolation=cv2.INTER_CUBIC)


def _small(card: Image, strength: str, rng: np.random.Generator) -> Image:
    """The card through the camera, with few pixels."""
    width = rng.uniform(LEAST_SMALL, SMALL)
    few = camera.rectified(card, rng, strength, (round(width), round(width * SIZE[1] / SIZE[0])))
    return cv2.resize(few, SIZE, interpolation=cv2.INTER_LINEAR)


def _scanned_anew(card: Image, rng: np.random.Generator) -> Image:
    """The card as another scanner, another print run or a sleeve would show it: cut a little differently, softer, paler."""
    height, width = card.shape[:2]
    frame = full_frame(width, height)
    moved = frame + (width * rng.uniform(-SHAKEN, SHAKEN, (4, 2))).astype(np.float32)
    card = cv2.warpPerspective(
        card, cv2.getPerspectiveTransform(moved, frame), (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    if rng.random() < 0.4:
        card = cv2.GaussianBlur(card, (0, 0), rng.uniform(0.3, 1.2) * width / SIZE[0])
    light = (card.astype(np.float32) / 255) ** rng.uniform(0.6, 1.6)
    if rng.random() < 0.5:
        darkest = rng.uniform(0, 0.3)
        light = darkest + light * (rng.uniform(0.7, 1) - darkest)
    return (255 * light.clip(0, 1)).astype(np.uint8)
