"""Lens, sensor and encoder: blur, noise and JPEG blocks.

Lengths are given as fractions of the card's height, so that a frame and a crop of it suffer alike.
"""

from functools import cache

import cv2
import numpy as np

_BANK = 1024  # side of the stored noise; a fresh normal draw for each pixel would cost more than all other effects


def defocused(picture: np.ndarray, radius: float) -> np.ndarray:
    """Blurred by a disc of `radius` pixels (the circle of confusion of an open aperture)."""
    reach = int(np.ceil(radius + 0.5))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)  # share of each pixel inside the disc, nearly
    return cv2.filter2D(picture, -1, disc / disc.sum(), borderType=cv2.BORDER_REPLICATE)


def moved(picture: np.ndarray, length: float, angle: float) -> np.ndarray:
    """Smeared over `length` pixels in direction `angle` (radians)."""
    reach = int(np.ceil(length / 2))
    if reach < 1:
        return picture.copy()
    side = 2 * reach + 1
    kernel = np.zeros((side, side), np.float32)
    ends = np.array([reach, reach]) + np.outer([-0.5, 0.5], [length * np.cos(angle), length * np.sin(angle)])
    start, stop = (tuple(round(float(value) * 16) for value in end) for end in ends)
    cv2.line(kernel, start, stop, 1.0, 1, cv2.LINE_8, shift=4)
    return cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


@cache
def _noise_bank() -> np.ndarray:
    """Normal noise of standard deviation 32 about 128: half of it grey, half coloured, and slightly correlated.

    A demosaiced pixel shares samples with its neighbours; a 3×3 blur of half of the noise stands for that.
    """
    rng = np.random.default_rng(20260112)
    grey = rng.standard_normal((_BANK, _BANK, 1), dtype=np.float32)
    colour = cv2.GaussianBlur(rng.standard_normal((_BANK, _BANK, 3), dtype=np.float32), (3, 3), 0.7)
    field = grey + colour / colour.std()
    return np.clip(128 + 32 * field / field.std(), 0, 255).astype(np.uint8)


def noisy(picture: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """With sensor noise of standard deviation `sigma` (grey levels) added."""
    height, width = picture.shape[:2]
    bank = _noise_bank()
    if height > _BANK or width > _BANK:
        bank = np.tile(bank, (-(-height // _BANK) + 1, -(-width // _BANK) + 1, 1))
    top = int(rng.integers(bank.shape[0] - height + 1))
    left = int(rng.integers(bank.shape[1] - width + 1))
    gain = sigma / 32
    return cv2.addWeighted(picture, 1.0, bank[top : top + height, left : left + width], gain, -128 * gain)


def sharpened(picture: np.ndarray, gain: float) -> np.ndarray:
    """With `gain` times its finest detail (what a 3×3 blur takes away) added: the halos of a camera's processor."""
    return cv2.addWeighted(picture, 1 + gain, cv2.GaussianBlur(picture, (3, 3), 0.9), -gain, 0)


def compressed(picture: np.ndarray, quality: int) -> np.ndarray:
    """Through a JPEG of `quality` (1..100, 4:2:0 as cameras write it)."""
    # OpenCV encodes BGR: red and blue change places so that each is weighed by its true name.
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB))
