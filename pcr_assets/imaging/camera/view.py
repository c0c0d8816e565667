"""A card as the edge sees it after finding and straightening it: one warp, then effects at the resolution seen."""

from collections.abc import Mapping

import cv2
import numpy as np

from edge_runtime import geometry
from pcr_assets.imaging.camera import outline
from pcr_assets.imaging.camera.effects import applied
from pcr_assets.imaging.camera.strength import Strength, named

NEAREST, FARTHEST = 400, 90  # heights in pixels of a card in the frame, at `scale` amounts 0 and 1


def rectified(
    card: np.ndarray,
    rng: np.random.Generator,
    strength: str | Strength = "train",
    size: tuple[int, int] = (160, 224),
) -> np.ndarray:
    """The card (uint8 RGB scan, any size) as `edge_runtime` would cut it from a camera frame.

    Returns uint8 RGB of `size` (width, height), upright: the runtime resolves 180 degrees by itself. A strength in
    which nothing happens gives exactly `geometry.rectify` of the scan. The same generator state gives the same bytes.
    """
    amounts = named(strength).draw(rng)
    seen = _seen_size(size, amounts.get("scale", 0.0), rng)
    corners = _found_corners(card, amounts, rng)
    picture = geometry.rectify(card, corners, seen)
    if "fit" in amounts or "corners" in amounts:
        picture = _on_table(picture, _edge(card, corners, seen), rng)
    picture = applied(picture, amounts, rng)
    if seen != size:
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(picture)


def _seen_size(size: tuple[int, int], amount: float, rng: np.random.Generator) -> tuple[int, int]:
    """Resolution of the card in the frame, (width, height); never more than `size`, to which a closer card shrinks.

    A card tilted by 45 degrees loses 30 % of one side.
    """
    if amount == 0:
        return size
    height = NEAREST * (FARTHEST / NEAREST) ** amount
    shorter = 1 - 0.3 * amount * rng.random()
    tall, wide = (shorter, 1.0) if rng.random() < 0.5 else (1.0, shorter)
    factor = height / size[1]
    return max(2, round(size[0] * min(1.0, factor * wide))), max(2, round(size[1] * min(1.0, factor * tall)))


def _found_corners(card: np.ndarray, amounts: Mapping[str, float], rng: np.random.Generator) -> np.ndarray:
    """The corners that a finder would report, in pixels of the scan (float32 4×2).

    `fit` moves all sides out by up to 5 % (a sleeve or toploader taken for the card) or in by up to 2.5 % (its frame
    taken for the card); `corners` moves each by a normal error of up to 4.5 % of the side, cut off at two sigma.
    """
    height, width = card.shape[:2]
    corners = geometry.full_frame(width, height)
    if "fit" in amounts:
        outward = amounts["fit"] * (0.05 if rng.random() < 0.7 else -0.025) * rng.uniform(0.4, 1.0, (2, 2))
        low, high = corners.min(axis=0), corners.max(axis=0)
        corners = np.where(corners == low, low - outward[0] * (high - low), high + outward[1] * (high - low))
    if "corners" in amounts:
        error = np.clip(rng.standard_normal((4, 2)), -2, 2) * 0.045 * amounts["corners"]
        corners = corners + error * (width, height)
    return corners.astype(np.float32)


def _edge(card: np.ndarray, corners: np.ndarray, seen: tuple[int, int]) -> np.ndarray:
    """The card's edge in the rectified picture (float32 N×1×2 pixels), when `corners` were taken for its corners."""
    height, width = card.shape[:2]
    into = cv2.getPerspectiveTransform(corners, geometry.full_frame(*seen).astype(np.float32))
    return cv2.perspectiveTransform(outline.unit_outline() * np.array([width, height], np.float32), into)


def _on_table(picture: np.ndarray, edge: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """With what lies around the card (a table, a sleeve's rim, a neighbour's edge) outside its edge."""
    height, width = picture.shape[:2]
    colour = rng.uniform(0, 255) + rng.normal(0, 30, 3)
    spread = rng.uniform(0, 60)
    patches = np.clip(colour + rng.normal(0, spread, (5, 4, 3)), 0, 255).astype(np.uint8)
    table = cv2.resize(patches, (width, height), interpolation=cv2.INTER_LINEAR)
    return outline.blended(picture, table, outline.mask(edge, (width, height)))
