"""Paint for polygons: filled, shaded and outlined the way an art style wants it. Colours are RGB, 0..255."""

import colorsys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pcr_assets.imaging.sample.shapes import Points

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]
Pattern = Callable[["Brush"], None]
_SUBPIXEL = 4  # bits of subpixel position that cv2 takes


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """RGB of a hue (turns, wraps), a saturation and a value (0..1, clipped)."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0), 1), min(max(value, 0), 1))
    return round(255 * red), round(255 * green), round(255 * blue)


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of the other colour in the one."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


@dataclass(frozen=True)
class Brush:
    """Where and how to paint: `image` is painted in place; a point p lands at pixel origin + scale * p * (facing, 1)."""

    image: Image
    scale: float = 1.0
    origin: tuple[float, float] = (0.0, 0.0)
    facing: int = 1
    ink: Colour | None = None
    line: float = 3.0
    shade: float = 0.3
    soft: bool = False
    shadow: bool = False

    def pixels(self, points: Points) -> Points:
        """Pixel positions of points given in the drawing's units."""
        return np.asarray(points, float) * (self.scale * self.facing, self.scale) + self.origin

    def plain(self) -> "Brush":
        """The same brush without shading, ink or shadow: for eyes, stars, far things."""
        return replace(self, ink=None, shade=0.0, shadow=False)

    def fill(self, points: Points, colour: Colour) -> None:
        """A flat polygon."""
        cv2.fillPoly(self.image, [_fixed(self.pixels(points))], colour, cv2.LINE_AA, _SUBPIXEL)

    def stroke(self, points: Points, colour: Colour, width: float, *, closed: bool = False) -> None:
        """A line of `width` drawing units."""
        thickness = max(1, round(width * self.scale))
        cv2.polylines(self.image, [_fixed(self.pixels(points))], closed, colour, thickness, cv2.LINE_AA, _SUBPIXEL)

    def paint(self, points: Points, colour: Colour, pattern: Pattern | None = None) -> None:
        """A body: the colour and its pattern within the outline, lit from the upper left, then inked."""
        outline = self.pixels(points)
        height, width = self.image.shape[:2]
        left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 2, 0)
        right, bottom = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 3, (width, height))
        if right <= left or bottom <= top:
            return
        corner = (int(left), int(top))
        mask = np.zeros((bottom - top, right - left), np.uint8)
        cv2.fillPoly(mask, [_fixed(outline - corner)], 255, cv2.LINE_AA, _SUBPIXEL)
        if self.shadow:
            self._cast(mask, corner)
        layer = np.empty((*mask.shape, 3), np.uint8)
        layer[:] = colour
        if pattern:
            origin = (self.origin[0] - corner[0], self.origin[1] - corner[1])
            pattern(replace(self, image=layer, origin=origin).plain())
        if self.shade:
            layer = _lit(layer, mask, self.shade, self.soft)
        area = self.image[top:bottom, left:right]
        area[:] = cv2.blendLinear(layer, area, mask / np.float32(255), 1 - mask / np.float32(255))
        if self.ink is not None:
            cv2.polylines(
                self.image, [_fixed(outline)], True, self.ink, max(1, round(self.line)), cv2.LINE_AA, _SUBPIXEL
            )

    def _cast(self, mask: Image, corner: tuple[int, int]) -> None:
        """Darkens what lies under a sheet of cut paper."""
        reach = 7
        height, width = self.image.shape[:2]
        x, y = corner[0] + reach // 2, corner[1] + reach
        area = self.image[y : min(y + mask.shape[0], height), x : min(x + mask.shape[1], width)]
        dark = cv2.blur(mask, (reach, reach))[: area.shape[0], : area.shape[1], None]
        if area.size:
            area[:] = (area * (1 - dark * np.float32(0.4 / 255))).astype(np.uint8)


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.round(points * (1 << _SUBPIXEL)).astype(np.int32)


def _lit(layer: Image, mask: Image, depth: float, soft: bool) -> Image:
    """Shade where the outline, moved up and to the left, no longer covers; hard-edged unless `soft`."""
    height, width = mask.shape
    dx, dy = max(2, width // 9), max(2, height // 6)
    moved = np.zeros_like(mask)
    if height > dy and width > dx:
        moved[: height - dy, : width - dx] = mask[dy:, dx:]
    if soft:
        size = 2 * (max(dx, dy) // 2) + 1
        moved = np.asarray(cv2.blur(cv2.blur(moved, (size, size)), (size, size)), np.uint8)
    light = np.float32(1 + depth * 0.25) - np.float32(depth * 1.25 / 255) * (255 - moved)
    return np.asarray(cv2.multiply(layer, cv2.merge([light, light, light]), dtype=cv2.CV_8U), np.uint8)


def gradient(width: int, height: int, stops: Sequence[Colour]) -> Image:
    """Colours from top to bottom."""
    at = np.linspace(0, len(stops) - 1, height)
    column = np.stack([np.interp(at, np.arange(len(stops)), [stop[c] for stop in stops]) for c in range(3)], axis=1)
    return np.repeat(column[:, None].astype(np.uint8), width, axis=1)


def clouds(width: int, height: int, cell: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise in -1..1 with features of about `cell` pixels."""
    coarse = rng.uniform(-1, 1, (height // cell + 3, width // cell + 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def lightened(image: Image, light: NDArray[np.float32]) -> Image:
    """`light` (height×width, may be negative) added to every channel, clipped to 0..255."""
    return np.asarray(cv2.add(image, cv2.merge([light, light, light]), dtype=cv2.CV_8U), np.uint8)


def resized(image: Image, size: tuple[int, int], interpolation: int = cv2.INTER_AREA) -> Image:
    """The image at `size` (width, height)."""
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)
