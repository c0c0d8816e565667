"""Where a creature lives: sky, distance and ground. Drawn in units of the picture's height, origin top left."""

from collections.abc import Callable

import numpy as np

from pcr_assets.imaging.sample.brush import Brush, Colour, Image, clouds, gradient, hsv, lightened, mixed
from pcr_assets.imaging.sample.genome import HUES, Genome
from pcr_assets.imaging.sample.shapes import box, curve, leaf, limb, oval, ridge, spike

Rng = np.random.Generator


def scenery(width: int, height: int, genome: Genome, rng: Rng) -> Image:
    """The empty place, uint8 height×width×3."""
    hue = HUES[genome.element] + rng.normal(0, 0.06)
    image = gradient(width, height, _sky(genome.place, hue, rng))
    haze = clouds(width, height, height // 5, rng) * 9 + clouds(width, height, height // 14, rng) * 4
    image = lightened(image, haze)
    inked = genome.style == "ink"
    brush = Brush(
        image,
        scale=height,
        ink=genome.dark if inked else None,
        line=height / 220,
        shade=0.0,
        shadow=genome.style == "paper",
    )
    _PLACES[genome.place](brush, width / height, hue, rng)
    return image


def _sky(place: str, hue: float, rng: Rng) -> list[Colour]:
    if place in ("cave", "night", "city"):
        return [hsv(hue + 0.1, 0.7, 0.13), hsv(hue, 0.6, 0.32), hsv(hue - 0.08, 0.5, rng.uniform(0.45, 0.75))]
    if place == "reef":
        return [hsv(hue * 0.3 + 0.36, 0.35, 0.95), hsv(hue * 0.3 + 0.4, 0.65, 0.7), hsv(hue * 0.3 + 0.45, 0.8, 0.35)]
    if place == "volcano":
        return [hsv(hue * 0.2 + 0.9, 0.6, 0.25), hsv(0.02, 0.75, 0.6), hsv(0.09, 0.65, 0.95)]
    top = hue + rng.uniform(-0.15, 0.15)
    return [
        hsv(top, rng.uniform(0.3, 0.6), rng.uniform(0.6, 0.9)),
        hsv(top + 0.05, 0.25, 0.95),
        hsv(top + rng.uniform(-0.3, 0.3), rng.uniform(0.15, 0.4), 0.98),
    ]


def _waves(rng: Rng, height: float) -> list[tuple[float, float, float]]:
    return [(c, height * rng.uniform(0.4, 1) / c**0.6, rng.uniform(0, 6.3)) for c in rng.uniform(0.6, 5, 4)]


def _range(brush: Brush, width: float, far: Colour, near: Colour, levels: list[float], height: float, rng: Rng) -> None:
    """Ridge before ridge, from the far colour to the near one."""
    for i, level in enumerate(levels):
        colour = mixed(far, near, i / max(1, len(levels) - 1))
        brush.paint(ridge(width, level, 1.05, _waves(rng, height)), colour)


def _sun(brush: Brush, width: float, colour: Colour, rng: Rng) -> None:
    x, y, r = width * rng.uniform(0.12, 0.88), rng.uniform(0.12, 0.36), rng.uniform(0.06, 0.17)
    plain = brush.plain()
    if rng.random() < 0.4:
        for k in range(12):
            plain.fill(spike(x, y, r * 2.6, r * 0.16, k * np.pi / 6), mixed(colour, (255, 255, 255), 0.4))
    plain.fill(oval(x, y, r, r), colour)
    if rng.random() < 0.3:
        plain.stroke(oval(x, y, r * 1.8, r * 0.4, tilt=-0.3), mixed(colour, (255, 255, 255), 0.5), 0.012, closed=True)


def _sprinkle(brush: Brush, width: float, count: int, colour: Colour, span: tuple[float, float], rng: Rng) -> None:
    """Stars, flakes, bubbles or spores."""
    for _ in range(count):
        r = rng.uniform(0.003, 0.011)
        brush.plain().fill(oval(rng.uniform(0, width), rng.uniform(*span), r, r), colour)


def _tree(brush: Brush, x: float, foot: float, tall: float, bark: Colour, green: Colour, rng: Rng) -> None:
    brush.paint(limb(curve((x, foot), (x + rng.normal(0, 0.02), foot - tall)), [tall * 0.07, tall * 0.04]), bark)
    if rng.random() < 0.5:
        for k in range(3):
            brush.paint(
                spike(x, foot - tall * (0.25 + 0.22 * k), tall * 0.5, tall * (0.3 - 0.06 * k), -np.pi / 2), green
            )
    else:
        waves = [(5, 0.08, rng.uniform(0, 6))]
        brush.paint(oval(x, foot - tall, tall * 0.34, tall * 0.42, waves=waves), green)


def _hills(brush: Brush, width: float, hue: float, rng: Rng) -> None:
    _sun(brush, width, hsv(0.13, 0.3, 1.0), rng)
    far, near = hsv(hue + 0.1, 0.3, 0.8), hsv(rng.uniform(0.2, 0.4), 0.6, 0.5)
    _range(brush, width, far, near, [0.5, 0.62, 0.74], 0.09, rng)
    for x in rng.uniform(0, width, int(rng.integers(2, 7))):
        _tree(
            brush, x, rng.uniform(0.72, 0.8), rng.uniform(0.12, 0.25), hsv(0.07, 0.5, 0.35), mixed(near, far, 0.3), rng
        )
    brush.paint(ridge(width, 0.86, 1.05, _waves(rng, 0.03)), hsv(rng.uniform(0.2, 0.38), 0.6, 0.62))


def _sea(brush: Brush, width: float, hue: float, rng: Rng) -> None:
    _sun(brush, width, hsv(0.1, 0.4, 1.0), rng)
    deep = hsv(rng.uniform(0.48, 0.62), 0.7, 0.45)
    brush.paint(ridge(width, 0.56, 1.05, []), mixed(deep, (255, 255, 255), 0.35))
    for i, level in enumerate(np.linspace(0.62, 0.95, 5)):
        cycles = 9 - i * 1.3
        waves = [(cycles, 0.012 + 0.006 * i, rng.uniform(0, 6)), (cycles * 2.1, 0.005, rng.uniform(0, 6))]
        brush.paint(ridge(width, level, 1.05, waves), mixed(mixed(deep, (255, 255, 255), 0.3), deep, i / 4))


def _cave(brush: Brush, width: float, hue: float, rng: Rng) -> None:
    wall, glow = hsv(hue, 0.45, 0.24), hsv(hue + rng.uniform(0.2, 0.6), 0.55, 0.95)
    brush.plain().fill(oval(width / 2, 0.5, width * 0.36, 0.34, waves=_waves_round(rng)), hsv(hue, 0.4, 0.55))
    for x in np.linspace(0, width, 11) + rng.normal(0, 0.03, 11):
        brush.paint(spike(x, -0.02, rng.uniform(0.1, 0.42), 0.07, np.pi / 2), wall)
    brush.paint(ridge(width, 0.84, 1.05, _waves(rng, 0.04)), wall)
    for x in rng.uniform(0, width, 9):
        angle = -np.pi / 2 + rng.normal(0, 0.35)
        brush.paint(spike(x, 0.92, rng.uniform(0.1, 0.28), 0.03, angle), mixed(glow, wall, rng.uniform(0, 0.5)))


def _waves_round(rng: Rng) -> list[tuple[int, float, float]]:
    return [(k, rng.uniform(0.02, 0.09), rng.uniform(0, 6.3)) for k in (2, 3, 5, 7)]


def _night(brush: Brush, width: float, hue: float, rng: Rng) -> None:
    _sprinkle(brush, width, 70, (255, 250, 225), (0, 0.7), rng)
    x, y, r = width * rng.uniform(0.15, 0.85), rng.uniform(0.15, 0.3), rng.uniform(0.09, 0.16)
    brush.plain().fill(oval(x, y, r, r), (250, 244, 214))
    for _ in range(4):
        crater = r * rng.uniform(0.1, 0.25)
        brush.plain().fill(oval(x + rng.normal(0, r / 3), y + rng.normal(0, r / 3), crater, crater), (226, 218, 190))
    _range(brush, width, hsv(hue, 0.5, 0.35), hsv(hue, 0.6, 0.14), [0.62, 0.74, 0.86], 0.07, rng)


def _city(brush: Brush, width: float, hue: float, rng: Rng) -> None:
    _sprinkle(brush, width, 25, (255, 240, 210), (0, 0.4), rng)
    lamp = hsv(rng.uniform(0.08, 0.18), 0.5, 1.0)
    for depth in (0.0, 0.5, 1.0):
        x = -0.05
        wall = mixed(hsv(hue, 0.4, 0.5), hsv(hue, 0.55, 0.14), depth)
        while x < width:
            wide, top = rng.uniform(0.08, 0.22), rng.uniform(0.22, 0.55) + depth * 0.22
            brush.paint(box(x, top, x + wide, 1.02), wall)
            if rng.random() < 0.35:
                brush.paint(spike(x + wide / 2, top + 0.01, rng.uniform(0.06, 0.2), wide / 2.2, -np.pi / 2), wall)
            for wx in np.arange(x + 0.02, x + wide - 0.02, 0.034):
                for wy in np.arange(top + 0.03, 0.9, 0.05):
                    if rng.random() < 0.4:
                        brush.plain().fill(box(wx, wy, wx + 0.016, wy + 0.024), mixed(wall, lamp, 0.3 + 0.6 * depth))
            x += wide + rng.uniform(-0.01, 0.03)
    brush.paint(ridge(width, 0.9, 1.05, []), hsv(hue, 0.3, 0.3))


def _desert(brush: Brush, width: float, hue: float, rng: Rng) -> None:
    _sun(brush, width, hsv(0.05, 0.5, 1.0), rng)
    _range(brush, width, hsv(0.06, 0.3, 0.9), hsv(0.09, 0.6, 0.72), [0.55, 0.66, 0.8], 0.06, rng)
    for x in rng.uniform(0.05, width - 0.05, int(rng.integers(2, 5))):
        green, tall = hsv(rng.uniform(0.25, 0.4), 0.5, 0.5), rng.uniform(0.15, 0.35)
        brush.paint(limb(curve((x, 0.85), (x, 0.85 - tall)), [0.03, 0.03]), green)
        for side in (-1, 1):
            turn = ((x, 0.84 - tall * 0.4), (x + side * 0.1, 0.84 - tall * 0.4), (x + side * 0.09, 0.84 - tall * 0.8))
            brush.paint(limb(curve(*turn), [0.018, 0.018]), green)
    brush.paint(ridge(width, 0.88, 1.05, _waves(rng, 0.02)), hsv(0.1, 0.5, 0.85))


def _forest(brush: Brush, width: float, hue: float, rng: Rng) -> None:
    green = rng.uniform(0.18, 0.5)
    for depth in (0.0, 0.5, 1.0):
        tone = mixed(hsv(green, 0.25, 0.8), hsv(green, 0.65, 0.28), depth)
        for x in np.arange(0, width + 0.2, 0.2 + depth * 0.1):
            shift = rng.normal(0, 0.05)
            _tree(
                brush, x + shift, 0.72 + 0.12 * depth, rng.uniform(0.4, 0.65), mixed(tone, (60, 35, 20), 0.5), tone, rng
            )
    brush.paint(ridge(width, 0.85, 1.05, _waves(rng, 0.02)), hsv(green - 0.06, 0.55, 0.45))


def _volcano(brush: Brush, width: float, hue: float, rng: Rng) -> None:
    x, rock = width * rng.uniform(0.25, 0.75), hsv(0.98, 0.3, 0.25)
    for _ in range(5):
        r = rng.uniform(0.05, 0.13)
        brush.plain().fill(oval(x + rng.normal(0, 0.12), 0.14 + rng.normal(0, 0.06), r, r * 0.8), hsv(0.95, 0.25, 0.45))
    brush.paint(np.array([[x - 0.6, 0.9], [x - 0.1, 0.28], [x + 0.1, 0.28], [x + 0.65, 0.9]]), rock)
    for k in (-0.05, 0.0, 0.06):
        flow = curve((x + k, 0.28), (x + k * 3, 0.45), (x + k * 2, 0.6), (x + k * 7, 0.88))
        brush.plain().fill(limb(flow, [0.02, 0.012, 0.03]), hsv(rng.uniform(0.03, 0.1), 0.9, 1.0))
    _range(brush, width, hsv(0.97, 0.4, 0.35), hsv(0.97, 0.4, 0.17), [0.78, 0.88], 0.05, rng)
    _sprinkle(brush, width, 30, (255, 190, 80), (0.05, 0.8), rng)


def _reef(brush: Brush, width: float, hue: float, rng: Rng) -> None:
    for x in rng.uniform(0, width, 4):
        brush.plain().stroke(np.array([[x, 0], [x - 0.25, 0.8]]), hsv(0.5, 0.2, 0.9), 0.012)
    brush.paint(ridge(width, 0.86, 1.05, _waves(rng, 0.04)), hsv(0.11, 0.35, 0.85))
    for x in rng.uniform(0, width, 10):
        colour, root = (
            hsv(rng.uniform(0.85, 1.12), rng.uniform(0.4, 0.8), rng.uniform(0.6, 1.0)),
            rng.uniform(0.88, 0.98),
        )
        if rng.random() < 0.5:
            for lean in (-0.5, -0.15, 0.2, 0.5):
                brush.paint(leaf(x, root, rng.uniform(0.12, 0.3), 0.022, -np.pi / 2 + lean, 0.03), colour)
        else:
            brush.paint(oval(x, root - 0.03, 0.07, 0.06, waves=[(7, 0.12, 0)]), colour)
    _sprinkle(brush, width, 30, (225, 250, 255), (0.05, 0.85), rng)


def _snow(brush: Brush, width: float, hue: float, rng: Rng) -> None:
    for x in np.linspace(-0.1, width + 0.1, 6) + rng.normal(0, 0.08, 6):
        tall, wide = rng.uniform(0.3, 0.6), rng.uniform(0.2, 0.34)
        brush.paint(
            np.array([[x - wide, 0.85], [x, 0.85 - tall], [x + wide, 0.85]]), hsv(hue, 0.3, rng.uniform(0.45, 0.65))
        )
        cap = [[x - wide * 0.3, 0.85 - tall * 0.7], [x, 0.85 - tall], [x + wide * 0.3, 0.85 - tall * 0.7]]
        brush.paint(
            np.array([*cap, [x + wide * 0.1, 0.85 - tall * 0.76], [x - wide * 0.08, 0.85 - tall * 0.65]]),
            (246, 250, 255),
        )
    _range(brush, width, hsv(0.58, 0.18, 0.9), (245, 249, 255), [0.78, 0.88], 0.04, rng)
    _sprinkle(brush, width, 60, (255, 255, 255), (0, 1), rng)


def _islands(brush: Brush, width: float, hue: float, rng: Rng) -> None:
    for _ in range(5):
        x, y = rng.uniform(0, width), rng.uniform(0.1, 0.9)
        for k in range(4):
            brush.plain().fill(oval(x + (k - 1.5) * 0.07, y, 0.07, 0.035 + 0.02 * (k % 2)), (250, 250, 255))
    places = [*zip(rng.uniform(0.05, width, 3), rng.uniform(0.25, 0.5, 3), rng.uniform(0.08, 0.16, 3), strict=True)]
    for x, y, r in [*places, (width / 2, 0.84, width * 0.34)]:
        under = np.array(
            [
                [x - r, y],
                [x - r * 0.45, y + r * 0.6],
                [x - r * 0.1, y + r * 0.75],
                [x + r * 0.3, y + r * 0.5],
                [x + r, y],
            ]
        )
        brush.paint(under, hsv(0.07, 0.4, 0.5))
        brush.paint(oval(x, y, r, min(r * 0.22, 0.09)), hsv(rng.uniform(0.2, 0.42), 0.55, 0.7))


def _swamp(brush: Brush, width: float, hue: float, rng: Rng) -> None:
    murk = hsv(rng.uniform(0.2, 0.5), 0.4, 0.35)
    for x in rng.uniform(0, width, 5):
        brush.paint(
            limb(curve((x, 0.8), (x + 0.05, 0.4), (x + rng.normal(0, 0.3), -0.05)), [0.05, 0.03, 0.05]),
            mixed(murk, (20, 20, 20), 0.4),
        )
    brush.paint(ridge(width, 0.72, 1.05, []), murk)
    for _ in range(12):
        x, y = rng.uniform(0, width), rng.uniform(0.74, 0.99)
        brush.paint(oval(x, y, 0.08, 0.02), mixed(murk, hsv(0.3, 0.5, 0.8), 0.5))
    for x in rng.uniform(0, width, 12):
        foot = rng.uniform(0.85, 1.0)
        brush.plain().stroke(np.array([[x, foot], [x + 0.01, foot - 0.24]]), hsv(0.25, 0.5, 0.45), 0.008)
        brush.paint(oval(x + 0.01, foot - 0.24, 0.012, 0.045), hsv(0.06, 0.6, 0.4))


_PLACES: dict[str, Callable[[Brush, float, float, Rng], None]] = {
    "hills": _hills,
    "sea": _sea,
    "cave": _cave,
    "night": _night,
    "city": _city,
    "desert": _desert,
    "forest": _forest,
    "volcano": _volcano,
    "reef": _reef,
    "snow": _snow,
    "islands": _islands,
    "swamp": _swamp,
}
