"""Whole camera frames with the corners of the cards in them."""

from collections.abc import Sequence

import cv2
import numpy as np

from edge_runtime import geometry
from pcr_assets.imaging.camera import outline, surface
from pcr_assets.imaging.camera.backgrounds import background as drawn_background
from pcr_assets.imaging.camera.effects import applied
from pcr_assets.imaging.camera.layouts import Layout, scattered, turn
from pcr_assets.imaging.camera.strength import EFFECTS, Strength, named

ON_CARD = ("tint", "shine", "sleeve", "glare")
ON_FRAME = tuple(EFFECTS[EFFECTS.index("shadow") :])
STEEPEST = 45.0  # degrees between the table and the sensor


def scene(
    cards: Sequence[np.ndarray],
    rng: np.random.Generator,
    size: tuple[int, int] = (1280, 720),
    background: np.ndarray | None = None,
    strength: str | Strength = "medium",
    layout: Layout = scattered,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """A frame with all of `cards` (uint8 RGB scans; may be none) on a table, turned and tilted as they come.

    `layout`: how they lie; `layouts.py` has some.

    `background`: uint8 RGB of any size, enlarged to the frame; one of `backgrounds.KINDS` is drawn when not given.
    Of `strength` the effects from tint to jpeg apply: those of foil and plastic card by card, occlusion as a hand that
    holds a card, the rest to the frame. With "none", the cards' pixels are only warped.
    Returns the photo (uint8 RGB of `size`) and for each card its corners in it (float32 4×2: top left, top right,
    bottom right, bottom left of the upright card). Scattered cards and those in rows do not cover each other; a card
    that is not in the list of corners may stick out from under one.
    """
    strength = named(strength)
    amounts = strength.draw(rng)
    if background is None:
        photo = drawn_background(size, rng, cards=cards)
    else:
        photo = cv2.resize(background, size, interpolation=cv2.INTER_AREA)
    places = _projected(layout(len(cards), size, rng), size, rng)
    # Strays first: one that came later would lie on a neighbour whose corners are promised to be free.
    for corners in places:
        if rng.random() < 0.2:
            slid = corners + rng.uniform(-0.25, 0.25, 2) * _height(corners)
            photo = _laid_down(photo, cards[int(rng.integers(len(cards)))], slid.astype(np.float32), {}, rng)
    for card, corners in zip(cards, places, strict=True):
        here = {name: amount for name, amount in strength.draw(rng).items() if name in ON_CARD}
        photo = _laid_down(photo, card, corners, here, rng)
    if places and "occlusion" in amounts:
        photo = _held(photo, places[int(rng.integers(len(places)))], amounts["occlusion"], rng)
    card_height = float(np.mean([_height(corners) for corners in places])) if places else size[1] / 2
    frame_amounts = {name: amount for name, amount in amounts.items() if name in ON_FRAME}
    return np.ascontiguousarray(applied(photo, frame_amounts, rng, unit=card_height)), places


def _height(corners: np.ndarray) -> float:
    return float(np.linalg.norm(corners[3] - corners[0]) + np.linalg.norm(corners[2] - corners[1])) / 2


def _projected(flat: list[np.ndarray], size: tuple[int, int], rng: np.random.Generator) -> list[np.ndarray]:
    """The same corners seen by a pinhole camera whose table is tilted by up to STEEPEST about any axis.

    The focal length is 1 to 1.6 frame widths (a Pi camera has 1.05 to 1.2). Moved and shrunk to stay in the frame.
    """
    if not flat:
        return []
    centre = np.array(size) / 2
    focal = rng.uniform(1.0, 1.6) * size[0]
    tilt, axis = np.radians(rng.uniform(0, STEEPEST)), turn(rng.uniform(0, 2 * np.pi))
    points = (np.concatenate(flat) - centre) @ axis
    depth = focal + points[:, 0] * np.sin(tilt)
    seen = np.stack([points[:, 0] * np.cos(tilt), points[:, 1]], axis=1) * (focal / depth)[:, None] @ axis.T
    low, high = seen.min(axis=0), seen.max(axis=0)
    shrink = min(1.0, float((0.98 * np.array(size) / (high - low)).min()))
    seen = (seen - (low + high) / 2) * shrink
    room = np.maximum(0.99 * centre - (high - low) * shrink / 2, 0)
    seen += centre + np.clip((low + high) / 2, -room, room)
    return [corners.astype(np.float32) for corners in np.split(seen, len(flat))]


def _laid_down(
    photo: np.ndarray, card: np.ndarray, corners: np.ndarray, amounts: dict[str, float], rng: np.random.Generator
) -> np.ndarray:
    """The photo with `card` at `corners`: sleeve below and above it, a soft shadow around it."""
    size = photo.shape[1], photo.shape[0]
    height, width = card.shape[:2]
    ratio = _height(corners) / height
    if ratio < 1:
        width, height = max(2, round(width * ratio)), max(2, round(height * ratio))
        card = cv2.resize(card, (width, height), interpolation=cv2.INTER_AREA)
    card = applied(card, amounts, rng)
    into = cv2.getPerspectiveTransform(geometry.full_frame(width, height).astype(np.float32), corners)
    unit = outline.unit_outline()
    edge = cv2.perspectiveTransform(unit * np.array([width, height], np.float32), into)
    inside = outline.mask(edge, size)
    thickness = max(3, round(0.02 * _height(corners)) * 2 + 1)
    drop = np.roll(cv2.blur(inside, (thickness, thickness)), tuple(rng.integers(-thickness, thickness, 2)), axis=(0, 1))
    gain = cv2.convertScaleAbs(255 - drop, alpha=0.45, beta=255 * 0.55)
    photo = surface.dimmed(photo, gain)
    if "sleeve" in amounts:
        rim = cv2.perspectiveTransform((unit * 1.07 - 0.035) * np.array([width, height], np.float32), into)
        plastic = np.full_like(photo, rng.integers(0, 256, 3).astype(np.uint8))
        photo = outline.blended(cv2.addWeighted(plastic, 0.5, photo, 0.5, 0), photo, outline.mask(rim, size))
    return outline.blended(outline.warped(card, into, size), photo, inside)


def _held(photo: np.ndarray, corners: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """With a thumb over a side of the card and the hand that it belongs to beside it."""
    tall = _height(corners)
    side = int(rng.integers(4))
    start, stop = corners[side], corners[(side + 1) % 4]
    at = start + rng.uniform(0.25, 0.75) * (stop - start)
    inward = corners.mean(axis=0) - at
    inward /= np.linalg.norm(inward)
    thick = rng.uniform(0.16, 0.24) * tall
    reach = min(surface.MOST_COVERED * amount * 0.72 * tall**2 / thick, 0.5 * tall) - thick / 2
    hand = np.zeros(photo.shape[:2], np.uint8)
    tip, root = at + inward * reach, at - inward * 1.2 * tall
    cv2.line(hand, _subpixels(tip), _subpixels(root), 255, max(1, round(thick)), cv2.LINE_AA, shift=4)
    palm = at - inward * 1.1 * tall
    cv2.circle(hand, _subpixels(palm), round(16 * 0.5 * tall), 255, -1, cv2.LINE_AA, shift=4)
    return surface.covered(photo, hand, surface.skin(rng), rng)


def _subpixels(point: np.ndarray) -> tuple[int, int]:
    return round(16 * float(point[0])), round(16 * float(point[1]))
