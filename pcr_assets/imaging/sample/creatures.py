"""The creatures: one drawing for each plan of a body, in units where a creature fits in about -1..1, facing right."""

from collections.abc import Callable

import numpy as np

from pcr_assets.imaging.sample.brush import Brush, Colour, Pattern, mixed
from pcr_assets.imaging.sample.features import crest, eye, feet, mouth, pattern, tail, wings
from pcr_assets.imaging.sample.genome import Genome
from pcr_assets.imaging.sample.shapes import curve, leaf, limb, oval, spike, star

Rng = np.random.Generator


def creature(brush: Brush, genome: Genome, rng: Rng) -> None:
    """Paints the creature in place."""
    _PLANS[genome.plan](brush, genome, pattern(genome, rng), rng)


def _far(genome: Genome) -> Colour:
    return mixed(genome.skin, genome.dark, 0.4)


def _walker(brush: Brush, g: Genome, coat: Pattern, rng: Rng) -> None:
    long, tall = rng.uniform(0.5, 0.68), rng.uniform(0.3, 0.42) * g.stout
    head, hx, hy = rng.uniform(0.28, 0.4), rng.uniform(0.45, 0.6), rng.uniform(-0.5, -0.25)
    tail(brush, g, -long * 0.8, 0.1, 1.0, rng)
    feet(brush, [(-long * 0.45, 0.25), (long * 0.65, 0.25)], 0.45, 0.11 * g.stout, _far(g), g)
    if rng.random() < 0.25:
        wings(brush, g, -0.05, -0.1, 0.75, rng)
    body = oval(0, 0.15, long, tall, square=rng.uniform(2, 2.6), waves=[(2, rng.uniform(-0.06, 0.06), 0.5)])
    brush.paint(body, g.skin, coat)
    feet(brush, [(-long * 0.7, 0.3), (long * 0.35, 0.3)], 0.45, 0.12 * g.stout, g.skin, g)
    brush.paint(limb(curve((0.25, 0.1), (hx * 0.8, -0.1), (hx, hy)), [0.26, 0.2, 0.2]), g.skin)
    crest(brush, g, hx, hy, head, rng)
    brush.paint(oval(hx, hy, head, head * rng.uniform(0.75, 0.95), square=2.3), g.skin)
    brush.paint(oval(hx + head * 0.72, hy + head * 0.3, head * rng.uniform(0.35, 0.6), head * 0.36), g.belly)
    brush.plain().fill(oval(hx + head * 1.08, hy + head * 0.16, head * 0.12, head * 0.09), g.dark)
    eye(brush, g, hx + head * 0.3, hy - head * 0.15, head * 0.27)
    mouth(brush, g, hx + head * 0.75, hy + head * 0.4, head * 0.3)


def _bird(brush: Brush, g: Genome, coat: Pattern, rng: Rng) -> None:
    for lean in (-0.3, 0.0, 0.3):
        brush.paint(leaf(-0.35, 0.25, rng.uniform(0.6, 0.9), 0.13, np.pi * 0.86 + lean), mixed(g.accent, g.dark, 0.2))
    for x in (-0.08, 0.2):
        brush.stroke(np.array([[x, 0.5], [x + 0.05, 0.86], [x + 0.2, 0.88]]), g.accent, 0.06)
    wings(brush, g, -0.1, -0.05, rng.uniform(0.7, 1.0), rng, far=True)
    brush.paint(oval(0, 0.15, 0.55 * g.stout, 0.48, tilt=-0.35, waves=[(3, 0.04, 1)]), g.skin, coat)
    brush.paint(oval(0.2, 0.28, 0.3 * g.stout, 0.32, tilt=-0.3), g.belly)
    head, hx, hy = rng.uniform(0.25, 0.34), 0.42, -0.42
    brush.paint(limb(curve((0.2, 0.0), (hx, hy)), [0.3, 0.2]), g.skin)
    crest(brush, g, hx, hy, head, rng)
    brush.paint(spike(hx + head * 0.6, hy + 0.03, rng.uniform(0.3, 0.6), head * 0.42, 0.12, 0.06), g.accent)
    brush.paint(oval(hx, hy, head, head), g.skin)
    eye(brush, g, hx + head * 0.25, hy - head * 0.1, head * 0.34)
    wings(brush, g, -0.05, 0.05, rng.uniform(0.6, 0.85), rng)


def _serpent(brush: Brush, g: Genome, coat: Pattern, rng: Rng) -> None:
    loops, reach = rng.uniform(1.1, 1.9), rng.uniform(0.22, 0.4)
    t = np.linspace(0, 1, 60)
    x = -0.95 + 1.5 * t
    y = 0.45 - 0.75 * t**2 + reach * np.sin(2 * np.pi * loops * t + rng.uniform(0, 6)) * (1 - 0.7 * t)
    spine = np.stack([x, y], axis=1)
    for i in range(6, 54, 6):
        brush.paint(spike(x[i], y[i], 0.32 * g.stout, 0.07, -np.pi / 2 - 0.5), g.accent)
    brush.paint(limb(spine, [0.02, 0.13 * g.stout, 0.2 * g.stout, 0.2, 0.17]), g.skin, coat)
    hx, hy, head = float(x[-1]), float(y[-1]) - 0.05, rng.uniform(0.27, 0.36)
    crest(brush, g, hx, hy, head, rng)
    brush.paint(oval(hx + 0.06, hy, head * 1.15, head * 0.85, waves=[(3, 0.06, 0)]), g.skin)
    brush.paint(oval(hx + head * 0.7, hy + head * 0.3, head * 0.5, head * 0.3), g.belly)
    eye(brush, g, hx + head * 0.2, hy - head * 0.2, head * 0.3)
    mouth(brush, g, hx + head * 0.75, hy + head * 0.35, head * 0.4)


def _fish(brush: Brush, g: Genome, coat: Pattern, rng: Rng) -> None:
    long, tall = rng.uniform(0.6, 0.8), rng.uniform(0.35, 0.55) * g.stout
    for lean in (-0.55, 0.0, 0.55):
        brush.paint(leaf(-long * 0.75, 0, rng.uniform(0.45, 0.65), 0.17, np.pi + lean), g.accent)
    for x in np.linspace(-long * 0.5, long * 0.4, int(rng.integers(3, 7))):
        brush.paint(spike(x, -tall * 0.6, rng.uniform(0.35, 0.6), 0.15, -np.pi / 2 - 0.4, -0.05), g.accent)
    brush.paint(oval(0, 0, long, tall, waves=[(2, 0.05, 0), (3, -0.06, 0)]), g.skin, coat)
    brush.paint(leaf(0.0, tall * 0.35, 0.5, 0.16, np.pi * 0.72), mixed(g.accent, g.skin, 0.3))
    if rng.random() < 0.35:
        brush.stroke(curve((long * 0.6, -tall * 0.7), (long, -tall * 1.6), (long * 1.25, -tall * 0.9)), g.dark, 0.03)
        brush.plain().fill(oval(long * 1.25, -tall * 0.85, 0.1, 0.1), (255, 250, 190))
    eye(brush, g, long * 0.55, -tall * 0.15, 0.15)
    mouth(brush, g, long * 0.85, tall * 0.25, 0.16)


def _slime(brush: Brush, g: Genome, coat: Pattern, rng: Rng) -> None:
    crest(brush, g, 0, -0.15, 0.55, rng)
    lobes = [(k, rng.uniform(0.02, 0.08), rng.uniform(0, 6.3)) for k in (2, 3, 5)]
    for side in (-1, 1):
        brush.paint(
            limb(curve((side * 0.5, 0.2), (side * 0.85, 0.1), (side * 0.9, rng.uniform(-0.4, 0.5))), [0.15, 0.1, 0.12]),
            _far(g),
        )
    brush.paint(oval(0, 0.2, 0.72 * g.stout, 0.62, square=rng.uniform(2, 3), waves=lobes), g.skin, coat)
    brush.paint(oval(0, 0.48, 0.42 * g.stout, 0.28), g.belly)
    apart = rng.uniform(0.16, 0.32)
    for side in (-1, 1) if g.eyes != "single" else (0,):
        eye(brush, g, side * apart + 0.05, 0.0, rng.uniform(0.12, 0.2))
    mouth(brush, g, 0.05, 0.24, 0.3)


def _insect(brush: Brush, g: Genome, coat: Pattern, rng: Rng) -> None:
    for x in (-0.3, 0.0, 0.3):
        brush.stroke(np.array([[x, 0.2], [x - 0.15, 0.5], [x - 0.02, 0.85]]), g.dark, 0.055)
    for angle in (2.3, 1.75):
        brush.paint(
            leaf(-0.05, -0.05, rng.uniform(0.8, 1.05), rng.uniform(0.15, 0.28), -angle),
            mixed(g.accent, (255, 255, 255), 0.45),
        )
    for i, x in enumerate((-0.72, -0.5, -0.26)):
        brush.paint(oval(x, 0.12 + 0.03 * i, 0.26, 0.22 * g.stout + 0.03 * i), g.skin if i % 2 else g.accent)
    brush.paint(oval(0.05, 0.1, 0.34, 0.3 * g.stout), g.skin, coat)
    for angle in (-2.1, -1.2):
        brush.paint(leaf(0.0, 0.0, rng.uniform(0.6, 0.95), 0.2, angle), mixed(g.accent, (255, 255, 255), 0.25))
    crest(brush, g, 0.5, -0.1, 0.28, rng)
    brush.paint(oval(0.5, -0.05, 0.3, 0.28), g.skin)
    eye(brush, g, 0.62, -0.1, 0.14)
    mouth(brush, g, 0.66, 0.1, 0.12)


def _jelly(brush: Brush, g: Genome, coat: Pattern, rng: Rng) -> None:
    for x in np.linspace(-0.5, 0.5, int(rng.integers(5, 9))):
        sway = rng.uniform(-0.3, 0.3)
        spine = curve((x, 0.0), (x + sway, 0.4), (x - sway, 0.6), (x + sway, rng.uniform(0.75, 1.0)))
        brush.paint(limb(spine, [0.08, 0.07, 0.02]), mixed(g.accent, g.skin, rng.random()))
    crest(brush, g, 0, -0.3, 0.5, rng)
    dome = np.concatenate(
        [oval(0, 0.05, 0.7 * g.stout, rng.uniform(0.6, 0.8))[36:], curve((0.68, 0.08), (0, 0.4), (-0.68, 0.08))]
    )
    brush.paint(dome, g.skin, coat)
    for side in (-1, 1):
        eye(brush, g, side * 0.24 + 0.08, -0.12, 0.15)
    mouth(brush, g, 0.08, 0.06, 0.18)


def _fungus(brush: Brush, g: Genome, coat: Pattern, rng: Rng) -> None:
    feet(brush, [(-0.2, 0.6), (0.22, 0.6)], 0.28, 0.14, _far(g), g)
    for side in (-1, 1):
        brush.paint(
            limb(
                curve((side * 0.25, 0.3), (side * 0.55, 0.3), (side * 0.6, rng.uniform(-0.1, 0.6))), [0.09, 0.07, 0.1]
            ),
            g.belly,
        )
    brush.paint(oval(0, 0.35, 0.38 * g.stout, 0.42, square=2.5), g.belly)
    wide, tall = rng.uniform(0.7, 0.95), rng.uniform(0.45, 0.85)
    cap = np.concatenate(
        [
            oval(0, 0, wide, tall, waves=[(3, rng.uniform(0, 0.08), 1.5)])[36:],
            curve((wide, 0.02), (0, 0.32), (-wide, 0.02)),
        ]
    )
    brush.paint(cap, g.skin, coat)
    for side in (-1, 1):
        eye(brush, g, side * 0.17 + 0.05, 0.3, 0.11)
    mouth(brush, g, 0.05, 0.48, 0.16)


def _golem(brush: Brush, g: Genome, coat: Pattern, rng: Rng) -> None:
    def rock(x: float, y: float, size: float, colour: Colour) -> None:
        brush.paint(star(x, y, size, int(rng.integers(3, 5)), rng.uniform(0.8, 0.95), rng.uniform(0, 6)), colour, coat)

    for side in (-1, 1):
        rock(side * 0.3, 0.72, 0.24, _far(g))
        rock(side * 0.72 * g.stout, -0.05, 0.28, _far(g))
        rock(side * 0.82 * g.stout, 0.38, 0.3, g.skin)
    rock(0, 0.2, 0.66 * g.stout, g.skin)
    crest(brush, g, 0, -0.5, 0.38, rng)
    rock(0, -0.48, 0.4, g.skin)
    brush.paint(star(0, 0.22, 0.2, int(rng.integers(3, 7)), 0.55), g.accent)
    for side in (-1, 1) if g.eyes != "single" else (0,):
        eye(brush, g, side * 0.15 + 0.04, -0.5, 0.1)


def _shell(brush: Brush, g: Genome, coat: Pattern, rng: Rng) -> None:
    snail = rng.random() < 0.5
    head, hx, hy = rng.uniform(0.24, 0.32), 0.7, 0.1
    if snail:
        brush.paint(limb(curve((-0.95, 0.62), (0, 0.55), (0.6, 0.65), (hx, hy)), [0.03, 0.2, 0.22, 0.18]), g.belly)
    else:
        tail(brush, g, -0.6, 0.45, 0.5, rng)
        feet(brush, [(-0.45, 0.4), (0.4, 0.4)], 0.4, 0.16, _far(g), g)
        brush.paint(limb(curve((0.3, 0.35), (hx, hy)), [0.25, 0.18]), g.belly)
    crest(brush, g, hx, hy, head, rng)
    brush.paint(oval(hx, hy, head * 1.1, head), g.belly)
    tall = rng.uniform(0.55, 0.8)
    if snail:
        brush.paint(oval(-0.12, 0.05, 0.58 * g.stout, tall * 0.85), g.skin, coat)
        turn = np.linspace(0, rng.uniform(9, 15), 90)
        spiral = np.stack([-0.12 + 0.035 * turn * np.cos(turn), 0.05 + 0.033 * turn * np.sin(turn)], axis=1)
        brush.stroke(spiral, mixed(g.skin, g.dark, 0.6), 0.05)
    else:
        dome = np.concatenate(
            [oval(-0.05, 0.42, 0.68 * g.stout, tall)[36:], curve((0.6, 0.44), (0, 0.56), (-0.7, 0.44))]
        )
        brush.paint(dome, g.accent, coat)
        for x in (-0.35, -0.05, 0.25):
            brush.paint(star(x, 0.42 - tall * 0.5, 0.15, 3, 0.9), g.skin)
    eye(brush, g, hx + head * 0.35, hy - head * 0.15, head * 0.36)
    mouth(brush, g, hx + head * 0.6, hy + head * 0.4, head * 0.3)


def _owl(brush: Brush, g: Genome, coat: Pattern, rng: Rng) -> None:
    feet(brush, [(-0.2, 0.75), (0.2, 0.75)], 0.15, 0.12, g.accent, g)
    crest(brush, g, 0, -0.35, 0.5, rng)
    brush.paint(oval(0, 0.15, 0.58 * g.stout, 0.75, square=rng.uniform(2, 2.8), waves=[(3, 0.05, 1.5)]), g.skin, coat)
    brush.paint(oval(0, 0.42, 0.36 * g.stout, 0.42), g.belly)
    for side in (-1, 1):
        brush.paint(
            leaf(side * 0.45 * g.stout, -0.05, rng.uniform(0.6, 0.95), 0.2, np.pi / 2 - side * rng.uniform(0.0, 0.7)),
            g.accent,
        )
        brush.paint(oval(side * 0.21, -0.25, 0.23, 0.24), g.belly)
        eye(brush, g, side * 0.2, -0.25, 0.16)
    brush.paint(spike(0, -0.16, 0.2, 0.09, np.pi / 2), g.accent)


def _dragon(brush: Brush, g: Genome, coat: Pattern, rng: Rng) -> None:
    wings(brush, g, -0.1, -0.1, rng.uniform(0.8, 1.1), rng, far=True)
    tail(brush, g, -0.25, 0.5, 1.1, rng)
    feet(brush, [(-0.2, 0.5), (0.3, 0.5)], 0.38, 0.17, _far(g), g)
    brush.paint(oval(0, 0.25, 0.42 * g.stout, 0.52, tilt=0.1), g.skin, coat)
    brush.paint(oval(0.13, 0.32, 0.24 * g.stout, 0.42, tilt=0.1), g.belly)
    hx, hy, head = rng.uniform(0.2, 0.45), rng.uniform(-0.65, -0.45), rng.uniform(0.27, 0.36)
    brush.paint(limb(curve((0.0, 0.0), (0.0, -0.3), (hx, hy)), [0.26, 0.18, 0.18]), g.skin)
    crest(brush, g, hx, hy, head, rng)
    brush.paint(oval(hx, hy, head, head * 0.85), g.skin)
    brush.paint(oval(hx + head * 0.8, hy + head * 0.22, head * 0.62, head * 0.42, square=2.6), g.skin)
    eye(brush, g, hx + head * 0.25, hy - head * 0.2, head * 0.28)
    mouth(brush, g, hx + head * 0.9, hy + head * 0.35, head * 0.5)
    wings(brush, g, -0.1, 0.0, rng.uniform(0.7, 0.95), rng)
    brush.paint(limb(curve((0.25, 0.15), (0.5, 0.25), (0.55, rng.uniform(0.0, 0.4))), [0.1, 0.08, 0.09]), g.skin)


_PLANS: dict[str, Callable[[Brush, Genome, Pattern, Rng], None]] = {
    "walker": _walker,
    "bird": _bird,
    "serpent": _serpent,
    "fish": _fish,
    "slime": _slime,
    "insect": _insect,
    "jelly": _jelly,
    "fungus": _fungus,
    "golem": _golem,
    "shell": _shell,
    "owl": _owl,
    "dragon": _dragon,
}
