"""What lies on or above the card: foil, plastic, reflections, shadows, fingers.

Fields of light are drawn on a coarse grid and enlarged, which is what makes them soft and cheap. A field spans the
whole picture: x and y run over 0..1, y counted in picture heights and x in picture widths.
"""

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np

from pcr_assets.imaging.camera import outline

MaskDrawer = Callable[[tuple[int, int], float, np.random.Generator], np.ndarray]

MOST_COVERED = 0.20
_SKINS = np.array(
    [[236, 188, 160], [222, 170, 136], [198, 134, 96], [160, 104, 72], [112, 72, 50], [80, 52, 40]], float
)


@cache
def _grid(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    return (x + 0.5) / columns - 0.5, (y + 0.5) / rows - 0.5


def _field_grid(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y of a coarse grid of about 48 rows over the picture, both 0 in the middle, in picture heights."""
    height, width = picture.shape[:2]
    rows = min(48, height)
    columns = max(2, round(rows * width / height))
    x, y = _grid(rows, columns)
    return x * (width / height), y


def _enlarged(field: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """A coarse field in 0..255 as uint8 at the picture's size."""
    height, width = picture.shape[:2]
    return cv2.resize(np.clip(field, 0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)


def shiny(picture: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """The rainbow sheen of a foil: coloured stripes that add light, over the art window or over the whole card.

    At amount 1 a stripe adds up to 110 levels to a channel.
    """
    x, y = _field_grid(picture)
    angle, phase = rng.uniform(0, 2 * np.pi, 2)
    waves = rng.uniform(0.7, 3.0)
    bend = rng.uniform(-1.5, 1.5)
    across = np.cos(angle) * x + np.sin(angle) * y + bend * (x * np.sin(angle) - y * np.cos(angle)) ** 2
    hue = 2 * np.pi * waves * across + phase
    stripes = 0.5 + 0.5 * np.cos(hue[..., None] + np.array([0, 2.1, 4.2], np.float32))
    # Foil lights up where its angle to the lamp fits, not everywhere at once.
    place, width = rng.uniform(-0.4, 0.4), rng.uniform(0.15, 0.6)
    stripes *= np.exp(-(((across - place) / width) ** 2))[..., None]
    if rng.random() < 0.5:
        stripes *= ((np.abs(x) < 0.3) & (y < 0.08) & (y > -0.42))[..., None]  # only the art window is foil
    return cv2.add(picture, _enlarged(110 * amount * stripes, picture))


def sleeved(picture: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Behind plastic: a grey veil that takes up to 45 % of the contrast, and now and then the line of a seam."""
    veil = 0.45 * amount
    hazy = cv2.convertScaleAbs(picture, alpha=1 - veil, beta=255 * veil * rng.uniform(0.35, 0.75))
    height, width = picture.shape[:2]
    for side in np.flatnonzero(rng.random(4) < 0.35):
        inset = rng.uniform(0.0, 0.05)
        near, far = rng.normal(inset, 0.004, 2)
        ends = (
            [(near, 0.0), (far, 1.0)],
            [(1 - near, 0.0), (1 - far, 1.0)],
            [(0.0, near), (1.0, far)],
            [(0.0, 1 - near), (1.0, 1 - far)],
        )[side]
        start, stop = ((int(16 * u * width), int(16 * v * height)) for u, v in ends)
        level = int(rng.integers(110, 256))
        line = np.zeros_like(hazy[..., 0])
        cv2.line(line, start, stop, int(level * (0.2 + 0.4 * amount)), 1, cv2.LINE_AA, shift=4)
        hazy = cv2.add(hazy, cv2.merge([line, line, line]))
    return hazy


def _band(x: np.ndarray, y: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, np.pi)
    across = x * np.cos(angle) + y * np.sin(angle) - rng.uniform(-0.4, 0.4)
    half = rng.uniform(0.02, 0.05 + 0.10 * amount)
    # The exponent runs from a soft highlight (2) to the hard edge of a tube lamp in a flat sleeve (8).
    return np.exp(-(np.abs(across / half) ** rng.uniform(2, 8)))


def _spot(x: np.ndarray, y: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, np.pi)
    dx, dy = x - rng.uniform(-0.35, 0.35), y - rng.uniform(-0.45, 0.45)
    along = (dx * np.cos(angle) + dy * np.sin(angle)) / rng.uniform(0.04, 0.08 + 0.22 * amount)
    across = (-dx * np.sin(angle) + dy * np.cos(angle)) / rng.uniform(0.03, 0.06 + 0.12 * amount)
    return np.exp(-((along**2 + across**2) ** rng.uniform(0.6, 2)))


def _window(x: np.ndarray, y: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, np.pi)
    dx, dy = x - rng.uniform(-0.35, 0.35), y - rng.uniform(-0.45, 0.45)
    along = np.abs(dx * np.cos(angle) + dy * np.sin(angle)) / rng.uniform(0.08, 0.12 + 0.25 * amount)
    across = np.abs(-dx * np.sin(angle) + dy * np.cos(angle)) / rng.uniform(0.05, 0.10 + 0.20 * amount)
    return np.clip(8 * (1 - np.maximum(along, across)), 0, 1)


def glaring(picture: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """One or two lamps or windows mirrored in the surface; at amount 1 they burn out everything beneath."""
    x, y = _field_grid(picture)
    light = np.zeros_like(x)
    for _ in range(1 + int(rng.random() < 0.4)):
        shape = (_band, _spot, _window)[rng.integers(3)]
        light = np.maximum(light, rng.uniform(0.5, 1.0) * shape(x, y, amount, rng))
    # A veil goes with each highlight: plastic scatters a part of the lamp over the whole card.
    light = light + 0.12 * amount * rng.random()
    colour = rng.uniform(0.88, 1.0, 3)
    return cv2.add(picture, _enlarged((60 + 240 * amount) * light[..., None] * colour, picture))


def shadowed(picture: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Uneven light: a gradient over the picture and the edge of a shadow, hard or soft; at most 70 % of it is lost."""
    x, y = _field_grid(picture)
    slope, edge = rng.uniform(0, 2 * np.pi, 2)
    gradient = 0.5 + np.clip(x * np.cos(slope) + y * np.sin(slope), -0.5, 0.5)
    distance = x * np.cos(edge) + y * np.sin(edge) - rng.uniform(-0.3, 0.3)
    dark = 1 / (1 + np.exp(np.clip(-distance / rng.uniform(0.01, 0.12), -30, 30)))
    share = rng.random()
    lost = 0.7 * amount * (share * gradient + (1 - share) * dark)
    return dimmed(picture, _enlarged(255 * (1 - lost), picture))


def dimmed(picture: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """With so much of its light (uint8 H×W, of 255)."""
    return cv2.multiply(picture, cv2.merge([gain, gain, gain]), scale=1 / 255)


def finger_mask(shape: tuple[int, int], target: float, rng: np.random.Generator) -> np.ndarray:
    """Mask (uint8, 0 or 255, smooth edges) of one to three capsules that reach in from one side."""
    height, width = shape
    count = int(rng.integers(1, 4))
    thick = rng.uniform(0.13, 0.24) * height * min(1.0, 0.5 + target / MOST_COVERED)
    length = max(target * height * width / (count * thick), 0.4 * thick)
    side = rng.integers(4)
    vertical = side < 2
    span = width if vertical else height
    first = rng.uniform(0.1, 0.9) * span
    lean = rng.normal(0, 0.3)
    mask = np.zeros(shape, np.uint8)
    for number in range(count):
        at = first + number * thick * rng.uniform(0.95, 1.2)
        reach = length * rng.uniform(0.7, 1.1) - thick / 2
        outside, inside = (
            (-thick, reach)
            if side % 2 == 0
            else (
                (height if vertical else width) + thick,
                (height if vertical else width) - reach,
            )
        )
        slide = lean * (inside - outside)
        ends = ((at, outside), (at + slide, inside)) if vertical else ((outside, at), (inside, at + slide))
        start, stop = ((round(16 * u), round(16 * v)) for u, v in ends)
        cv2.line(mask, start, stop, 255, max(1, round(thick)), cv2.LINE_AA, shift=4)
    return mask


def thing_mask(shape: tuple[int, int], target: float, rng: np.random.Generator) -> np.ndarray:
    """Mask of a straight-edged thing (another card, a box, a die) over a side or in the middle."""
    height, width = shape
    area = target * height * width
    aspect = rng.uniform(0.5, 2.0)
    box = ((rng.uniform(0, width), rng.uniform(0, height)), (np.sqrt(area * aspect), np.sqrt(area / aspect)))
    corners = cv2.boxPoints((*box, rng.uniform(0, 90)))
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, np.round(16 * corners).astype(np.int32), 255, cv2.LINE_AA, shift=4)
    return mask


def within_limit(draw: MaskDrawer, shape: tuple[int, int], target: float, rng: np.random.Generator) -> np.ndarray:
    """A mask from `draw` that covers about `target` of the picture and at most MOST_COVERED."""
    mask = draw(shape, target, rng)
    while mask.mean() > 255 * MOST_COVERED:
        target *= 0.8
        mask = draw(shape, target, rng)
    return mask


def occluded(picture: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Fingers (two times in three) or a thing over the picture: about 20 % of its area at amount 1, never more."""
    is_hand = rng.random() < 0.67
    mask = within_limit(finger_mask if is_hand else thing_mask, picture.shape[:2], MOST_COVERED * amount, rng)
    return covered(picture, mask, skin(rng) if is_hand else rng.uniform(0, 255, 3), rng)


def skin(rng: np.random.Generator) -> np.ndarray:
    """Some skin's colour (float 3)."""
    return _SKINS[rng.integers(len(_SKINS))] * rng.uniform(0.7, 1.1)


def covered(picture: np.ndarray, mask: np.ndarray, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """With a shaded thing of `colour` (0..255) where `mask` (uint8) is 255; its shadow takes 40 % of the light near it."""
    x, y = _field_grid(picture)
    angle = rng.uniform(0, 2 * np.pi)
    shade = 0.85 + 0.5 * (x * np.cos(angle) + y * np.sin(angle))
    cover = _enlarged(shade[..., None] * colour, picture)
    soft = max(3, picture.shape[0] // 32 * 2 + 1)
    gain = cv2.convertScaleAbs(255 - cv2.blur(mask, (soft, soft)), alpha=0.4, beta=255 * 0.6)
    return outline.blended(cover, dimmed(picture, gain), mask)
