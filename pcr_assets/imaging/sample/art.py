"""A painting of a creature in its place, in one of several manners."""

from dataclasses import replace

import cv2
import numpy as np

from pcr_assets.imaging.sample.brush import Brush, Image, clouds, lightened, resized
from pcr_assets.imaging.sample.creatures import creature
from pcr_assets.imaging.sample.genome import Genome
from pcr_assets.imaging.sample.scenery import scenery
from pcr_assets.imaging.sample.shapes import oval


def painting(width: int, height: int, genome: Genome) -> Image:
    """The picture of `genome`, uint8 height×width×3; the same genome gives the same pixels."""
    rng = np.random.default_rng(genome.seed)
    image = scenery(width, height, genome, rng)
    reach = min(height * 0.45, width * 0.41) * genome.size
    ground = height * 0.55 if height < width else height * 0.46
    brush = Brush(
        image,
        scale=reach,
        origin=(width * rng.uniform(0.46, 0.54), ground),
        facing=genome.facing,
        ink=genome.dark if genome.style in ("ink", "print", "paint") else None,
        line=reach / (40 if genome.style == "ink" else 75),
        shade={"paper": 0.0, "flat": 0.12, "soft": 0.5, "paint": 0.45}.get(genome.style, 0.32),
        soft=genome.style in ("soft", "paint"),
        shadow=genome.style == "paper",
    )
    if genome.plan not in ("fish", "jelly", "serpent"):
        _rest(brush)
    creature(brush, genome, rng)
    return _finish(image, genome.style, rng)


def _rest(brush: Brush) -> None:
    """The shadow on the ground."""
    ghost = brush.image.copy()
    replace(brush, image=ghost).plain().fill(oval(0, 0.92, 0.75, 0.12), (20, 18, 34))
    cv2.addWeighted(ghost, 0.4, brush.image, 0.6, 0, dst=brush.image)


def _finish(image: Image, style: str, rng: np.random.Generator) -> Image:
    height, width = image.shape[:2]
    if style == "pixel":
        cell = max(4, height // 72)
        small = resized(image, (width // cell, height // cell))
        return resized(small // 24 * 24 + 12, (width, height), cv2.INTER_NEAREST)
    if style == "print":
        y, x = np.mgrid[0:height, 0:width].astype(np.float32) * np.float32(2 * np.pi / 11)
        screen = np.sin(x * 0.87 + y * 0.5) * np.sin(y * 0.87 - x * 0.5)
        dots = np.where(screen > 0.35, np.float32(-26), np.float32(6))
        return lightened(image, dots)
    if style == "paint":
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        bend = height / 110
        bent = cv2.remap(
            image,
            x + bend * clouds(width, height, height // 34, rng),
            y + bend * clouds(width, height, height // 34, rng),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        canvas = clouds(width, height, 7, rng) * 11
        return lightened(np.asarray(bent, np.uint8), canvas)
    if style in ("paper", "soft"):
        grain = clouds(width, height, 3, rng) * (10 if style == "paper" else 4)
        return lightened(image, grain)
    return image
