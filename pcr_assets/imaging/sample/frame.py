"""The printed frame of a card: border, paper, window, title, texts. Units are pixels of a 367×512 card."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from pcr_assets.imaging.sample.brush import Brush, Colour, Image, clouds, gradient, hsv, lightened, mixed, resized
from pcr_assets.imaging.sample.genome import HUES
from pcr_assets.imaging.sample.shapes import SKYLINE, Points, box, curve, leaf, oval, ridge, star

SIZE = (367, 512)
OVERSAMPLED = 2


@dataclass(frozen=True)
class Frame:
    """How the cards of one set are laid out and coloured."""

    border: Colour
    rim: Colour
    paper: float  # 0 dark, 1 light
    window: tuple[int, int, int, int]
    cut: str
    weave: str
    title: int  # y of the title's baseline centre
    banner: str
    margin: int = 14


@dataclass(frozen=True)
class Texts:
    """What is printed on a card."""

    name: str
    element: str
    hp: int
    kind: str
    attacks: tuple[tuple[str, int, int, str], ...]
    lore: str
    painter: str
    symbol: int
    imprint: str


@lru_cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font; `size` in pixels of the card."""
    found = ImageFont.load_default(size * OVERSAMPLED)
    if not isinstance(found, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow has no FreeType: the sample cards cannot be lettered; install a Pillow wheel")
    return found


def window_size(frame: Frame) -> tuple[int, int]:
    """Width and height of the oversampled art."""
    x0, y0, x1, y1 = frame.window
    return (x1 - x0) * OVERSAMPLED, (y1 - y0) * OVERSAMPLED


def framed(art: Image, frame: Frame, texts: Texts) -> Image:
    """The card: `art` (of window_size) in its frame with its texts, uint8 512×367×3."""
    width, height = SIZE[0] * OVERSAMPLED, SIZE[1] * OVERSAMPLED
    card = np.empty((height, width, 3), np.uint8)
    card[:] = frame.border
    brush = Brush(card, scale=OVERSAMPLED, shade=0.0)
    hue = HUES[texts.element]
    paper = mixed(hsv(hue, 0.5, 0.2), hsv(hue, 0.16, 0.98), frame.paper)
    _inner(brush, frame, paper, hue)
    _place(card, art, frame)
    if frame.cut == "full":
        _veil(card)
    brush.stroke(_window(frame), frame.rim, 3, closed=True)
    _banner(brush, frame, paper)
    _badge(brush, texts.element, SIZE[0] - frame.margin - 20, frame.title, 13)
    card = _lettered(card, frame, texts)
    return resized(card, SIZE)


def symbol(brush: Brush, number: int, x: float, y: float, size: float, colour: Colour) -> None:
    """The mark of the set of that number."""
    shapes = (
        star(x, y, size, 5),
        oval(x, y, size, size * 0.6, waves=[(2, 0.3, 0.8)]),
        star(x, y, size, 3, 0.6),
        oval(x, y, size * 0.8, size * 0.8, waves=[(4, 0.3, 0)]),
        leaf(x - size, y, size * 2.2, size * 0.7, 0),
        star(x, y, size, 8, 0.7),
        star(x, y, size, 4, 0.3),
    )
    brush.fill(shapes[number % len(shapes)], colour)
    if number >= len(shapes):
        brush.stroke(oval(x, y, size * 1.2, size * 1.2), colour, 1, closed=True)


def _window(frame: Frame) -> Points:  # noqa: PLR0911 - one for each cut
    x0, y0, x1, y1 = frame.window
    middle, half, centre = (x0 + x1) / 2, (x1 - x0) / 2, (y0 + y1) / 2
    if frame.cut == "oval":
        return oval(middle, centre, half, (y1 - y0) / 2, square=2.7)
    if frame.cut == "round":
        return oval(middle, centre, half, (y1 - y0) / 2, square=9)
    if frame.cut == "arch":
        return np.concatenate([oval(middle, y0 + 90, half, 90)[36:], box(x0, y0 + 90, x1, y1)[1:]])
    if frame.cut == "hexagon":
        cut = 30
        return np.array(
            [[x0 + cut, y0], [x1 - cut, y0], [x1, centre], [x1 - cut, y1], [x0 + cut, y1], [x0, centre]], float
        )
    if frame.cut == "slant":
        return np.array([[x0, y0], [x1, y0], [x1, y1 - 44], [x0, y1]], float)
    if frame.cut == "wave":
        edge = ridge(x1 - x0, y1 - 12, y0, [(2, 7, 0.6), (5, 3, 0)])[:SKYLINE] + np.array([x0, 0])
        return np.concatenate([np.clip(edge, (x0, y0), (x1, y1)), [[x1, y0], [x0, y0]]])
    return box(x0, y0, x1, y1)


def _inner(brush: Brush, frame: Frame, paper: Colour, hue: float) -> None:
    m, (width, height) = frame.margin, SIZE
    inner = oval(width / 2, height / 2, width / 2 - m, height / 2 - m, square=30)
    whole = (width * OVERSAMPLED, height * OVERSAMPLED)
    layer = gradient(*whole, [mixed(paper, (255, 255, 255), 0.12), paper, mixed(paper, frame.border, 0.25)])
    woven, thread = Brush(layer, scale=OVERSAMPLED), mixed(paper, hsv(hue, 0.6, 0.6), 0.22)
    if frame.weave == "stripes":
        for x in range(-height, width, 16):
            woven.stroke(np.array([[x, 0], [x + height, height]]), thread, 4)
    elif frame.weave == "dots":
        dot = star(0, 0, 2.6, 4, 0.6)
        for y in range(0, height, 14):
            for x in range(7 * (y // 14 % 2), width, 14):
                woven.fill(dot + np.array([x, y]), thread)
    elif frame.weave == "rays":
        for k in range(0, 48, 2):
            angle, source = np.array([k, k + 1]) * np.pi / 24, np.array([width / 2, 380])
            far = source + 700 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
            woven.fill(np.concatenate([[source], far]), thread)
    elif frame.weave == "scales":
        scale = curve((0, 0), (12, 20), (24, 0), n=9)
        for y in range(0, height + 12, 12):
            for x in range(-12 + 12 * (y // 12 % 2), width, 24):
                woven.stroke(scale + np.array([x, y]), thread, 1)
    else:
        grain = clouds(*whole, 10, np.random.default_rng(1)) * (12 if frame.weave == "grain" else 4)
        layer = lightened(layer, grain)
    _through(brush.image, layer, inner)
    brush.stroke(inner, frame.rim, 2, closed=True)


def _place(card: Image, art: Image, frame: Frame) -> None:
    x0, y0, _, _ = (edge * OVERSAMPLED for edge in frame.window)
    layer = np.zeros_like(card)
    layer[y0 : y0 + art.shape[0], x0 : x0 + art.shape[1]] = art
    _through(card, layer, _window(frame))


def _veil(card: Image) -> None:
    """Darkens the lower part of a full-art card so that its texts can be read."""
    lower = card[320 * OVERSAMPLED :]
    cut = np.clip(np.linspace(1.1, 0.2, len(lower)), 0.34, 1).astype(np.float32)[:, None, None]
    lower[:] = (lower * cut).astype(np.uint8)


def _through(card: Image, layer: Image, outline: Points) -> None:
    """Shows `layer` within the outline."""
    mask = np.zeros(card.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(outline * OVERSAMPLED * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    cv2.copyTo(layer, np.where(mask > 127, np.uint8(255), np.uint8(0)), card)


def _banner(brush: Brush, frame: Frame, paper: Colour) -> None:
    y, m, width = frame.title, frame.margin, SIZE[0]
    if frame.banner == "bar":
        brush.fill(box(m + 4, y - 15, width - m - 4, y + 15), mixed(paper, frame.border, 0.3))
    elif frame.banner == "ribbon":
        end = np.array(
            [[m - 8, y - 16], [width - m + 8, y - 16], [width - m, y], [width - m + 8, y + 16], [m - 8, y + 16], [m, y]]
        )
        brush.fill(end, frame.rim)
    elif frame.banner == "pill":
        brush.fill(oval(width / 2, y, width / 2 - m - 4, 16, square=5), frame.border)
        brush.stroke(oval(width / 2, y, width / 2 - m - 4, 16, square=5), frame.rim, 2, closed=True)


def _badge(brush: Brush, element: str, x: float, y: float, size: float) -> None:
    hue = HUES[element]
    rank = list(HUES).index(element)
    brush.fill(oval(x, y, size, size), (250, 250, 250))
    brush.fill(oval(x, y, size * 0.88, size * 0.88), hsv(hue, 0.75, 0.8))
    glyph = (
        star(x, y, size * 0.62, 3 + rank % 5, 0.35 + 0.1 * (rank % 4))
        if rank % 2
        else leaf(x, y + size * 0.6, size * 1.25, size * 0.3, -np.pi / 2)
    )
    brush.fill(glyph, (255, 255, 255))


def _lettered(card: Image, frame: Frame, texts: Texts) -> Image:
    symbol_at = (frame.margin + 18, SIZE[1] - frame.margin - 14)
    light, dark = (250, 248, 240), (28, 24, 30)
    body = dark if frame.paper > 0.5 else light
    brush = Brush(card, scale=OVERSAMPLED)
    symbol(brush, texts.symbol, *symbol_at, 7, body)
    below = 340 if frame.cut == "full" else max(frame.window[3], frame.title + 18) + 8
    room = symbol_at[1] - below - 46
    rows = [below + 22 + round(room * 0.06), below + 22 + round(room * 0.5)]
    for y, (_, cost, _, _) in zip(rows, texts.attacks, strict=True):
        for k in range(cost):
            _badge(brush, texts.element, frame.margin + 17 + 13 * k, y + 8, 6)
    canvas = Pillow.fromarray(card)
    draw = ImageDraw.Draw(canvas)

    def write(x: float, y: float, text: str, size: int, anchor: str, colour: Colour) -> None:
        draw.text((x * OVERSAMPLED, y * OVERSAMPLED), text, colour, font(size), anchor)

    dark_title = frame.banner == "pill" and sum(frame.border) < 380
    title = light if dark_title or (frame.banner == "bar" and frame.paper < 0.5) else dark
    write(frame.margin + 14, frame.title, texts.name, 20, "lm", title)
    write(SIZE[0] - frame.margin - 38, frame.title, f"HP {texts.hp}", 15, "rm", title)
    write(SIZE[0] / 2, below + 8, texts.kind, 11, "mm", body)
    for y, (attack, cost, damage, rule) in zip(rows, texts.attacks, strict=True):
        write(frame.margin + 16 + 13 * cost + 4, y + 8, attack, 16, "lm", body)
        write(SIZE[0] - frame.margin - 14, y + 8, str(damage), 19, "rm", body)
        write(frame.margin + 14, y + 26, rule, 12, "lm", body)
    foot = symbol_at[1]
    write(SIZE[0] / 2, foot - 18, texts.lore, 10, "mm", body)
    write(frame.margin + 32, foot, texts.painter, 9, "lm", body)
    write(SIZE[0] - frame.margin - 12, foot, texts.imprint, 11, "rm", body)
    return np.asarray(canvas)
