"""What every body plan shares: coats, eyes, mouths, crests, tails, feet and wings."""

import numpy as np

from pcr_assets.imaging.sample.brush import Brush, Colour, Pattern, mixed
from pcr_assets.imaging.sample.genome import Genome
from pcr_assets.imaging.sample.shapes import curve, leaf, limb, oval, spike, star, wing

Rng = np.random.Generator
UP = -np.pi / 2


def pattern(genome: Genome, rng: Rng) -> Pattern:
    """The coat of the creature, drawn within whatever outline is being painted."""
    shade = mixed(genome.skin, genome.dark if rng.random() < 0.5 else genome.accent, rng.uniform(0.35, 0.7))
    spots = rng.uniform(-0.9, 0.9, (26, 2))
    sizes = rng.uniform(0.03, 0.11, 26)
    step, slant = rng.uniform(0.17, 0.28), rng.uniform(-0.3, 0.3)

    def coat(brush: Brush) -> None:
        if genome.pattern == "spots":
            for (x, y), size in zip(spots, sizes, strict=True):
                brush.fill(oval(x, y, size, size), shade)
        elif genome.pattern == "stripes":
            for x in np.arange(-1, 1, step):
                brush.fill(limb(curve((x, -1), (x + slant, -0.2), (x - slant, 0.6)), [step / 4, step / 5, 0.01]), shade)
        elif genome.pattern == "patch":
            for (x, y), size in zip(spots[:7], sizes[:7], strict=True):
                brush.fill(oval(x, y, size * 3, size * 2.4, waves=[(3, 0.2, x * 9), (5, 0.1, y * 9)]), shade)
        elif genome.pattern == "scales":
            for row, y in enumerate(np.arange(-1, 1, 0.11)):
                for x in np.arange(-1.05, 1.05, 0.14) + 0.07 * (row % 2):
                    brush.stroke(curve((x, y), (x + 0.07, y + 0.14), (x + 0.14, y), n=7), shade, 0.016)
        elif genome.pattern == "rings":
            for y in np.arange(-1, 1, step):
                brush.fill(limb(curve((-1.1, y), (0, y + 0.12), (1.1, y)), [step / 4, step / 4]), shade)

    return coat


def eye(brush: Brush, genome: Genome, x: float, y: float, size: float) -> None:
    """One eye, looking ahead."""
    plain = brush.plain()
    if genome.eyes == "dot":
        plain.fill(oval(x, y, size * 0.62, size * 0.78), genome.dark)
        plain.fill(oval(x + size * 0.2, y - size * 0.3, size * 0.2, size * 0.2), (255, 255, 255))
        return
    if genome.eyes == "sleepy":
        plain.stroke(curve((x - size * 0.8, y), (x, y + size * 1.1), (x + size * 0.8, y)), genome.dark, size * 0.32)
        return
    white = (255, 246, 160) if genome.eyes == "glow" else (252, 252, 248)
    larger = 1.25 if genome.eyes == "single" else 1.0
    plain.fill(oval(x, y, size * 1.14 * larger, size * 1.2 * larger), genome.dark)
    plain.fill(oval(x, y, size * larger, size * 1.06 * larger), white)
    if genome.eyes == "glow":
        plain.fill(oval(x + size * 0.25, y, size * 0.2, size * 0.7), genome.dark)
        return
    plain.fill(
        oval(x + size * 0.25, y + size * 0.08, size * 0.62, size * 0.72), mixed(genome.accent, genome.dark, 0.45)
    )
    plain.fill(oval(x + size * 0.3, y + size * 0.1, size * 0.36, size * 0.44), (18, 14, 20))
    plain.fill(oval(x + size * 0.48, y - size * 0.28, size * 0.22, size * 0.22), (255, 255, 255))
    if genome.eyes == "fierce":
        lid = np.array(
            [[x - size * 1.3, y - size * 1.35], [x + size * 1.3, y - size * 1.2], [x + size * 1.25, y - size * 0.2]]
        )
        plain.fill(lid, mixed(genome.skin, genome.dark, 0.45))


def mouth(brush: Brush, genome: Genome, x: float, y: float, size: float) -> None:
    """A smile; fierce creatures show a tooth."""
    plain = brush.plain()
    plain.stroke(
        curve((x - size, y - size * 0.1), (x, y + size * 0.75), (x + size * 0.8, y - size * 0.2)), genome.dark, 0.028
    )
    if genome.eyes == "fierce":
        plain.fill(spike(x + size * 0.25, y + size * 0.2, size * 0.6, size * 0.2, np.pi / 2), (255, 255, 255))


def crest(brush: Brush, g: Genome, x: float, y: float, size: float, rng: Rng) -> None:  # noqa: PLR0912 - one for each crest
    """What grows on the head of radius `size` at (x, y); paint it before the head."""
    top, long = y - size * 0.55, size * rng.uniform(0.8, 1.3)
    sides = ((-1, x - size * 0.5), (1, x + size * 0.45))
    if g.crest == "ears":
        for side, at in sides:
            brush.paint(spike(at, top + size * 0.1, long, size * 0.36, UP + side * 0.3), g.skin)
            brush.plain().fill(spike(at, top, long * 0.65, size * 0.2, UP + side * 0.3), g.accent)
    elif g.crest == "long ears":
        for side, at in sides:
            brush.paint(leaf(at, top + size * 0.1, long * 1.7, size * 0.28, UP + side * 0.35 - 0.2, 0.08), g.skin)
    elif g.crest == "horns":
        for side, at in sides:
            brush.paint(spike(at, top + size * 0.2, long * 1.2, size * 0.2, UP + side * 0.5, side * 0.16), g.belly)
    elif g.crest == "leaves":
        for lean in (-0.8, -0.25, 0.3, 0.85):
            brush.paint(leaf(x, top, long * 1.2, size * 0.24, UP + lean), g.accent)
    elif g.crest == "spines":
        for lean in np.linspace(-1.5, 0.7, 7):
            brush.paint(spike(x + size * 0.5 * np.sin(lean), top + size * 0.25, long, size * 0.15, UP + lean), g.accent)
    elif g.crest == "antlers":
        for side, at in sides:
            stem = curve(
                (at, top + size * 0.2),
                (at + side * size * 0.5, top - long * 0.5),
                (at + side * size * 0.4, top - long * 1.2),
            )
            for k in (9, 17):
                brush.paint(spike(stem[k, 0], stem[k, 1], long * 0.55, size * 0.08, UP + side * 0.9), g.belly)
            brush.paint(limb(stem, [size * 0.12, size * 0.05]), g.belly)
    elif g.crest == "antennae":
        for side, at in sides:
            tip = (at + side * size * 0.6, top - long)
            brush.stroke(curve((at, top + size * 0.3), (at, top - long), tip), g.dark, size * 0.1)
            brush.paint(oval(*tip, size * 0.17, size * 0.17), g.accent)
    elif g.crest == "crown":
        brush.paint(star(x, top, size * 0.85, int(rng.integers(5, 9)), 0.6), g.accent)
    else:
        for lean in (-0.5, 0.0, 0.45):
            brush.paint(leaf(x - size * 0.1, top + size * 0.2, long, size * 0.2, UP + lean, 0.1), g.accent)


def tail(brush: Brush, g: Genome, x: float, y: float, length: float, rng: Rng) -> None:
    """A tail rooted at (x, y), going left; paint it before the body."""
    lift = rng.uniform(0.3, 0.8) * length
    tip = (x - length * 0.45, y - lift)
    spine = curve((x, y), (x - length * 0.55, y + 0.1), tip)
    if g.tail == "curl":
        turn = np.linspace(0, 5.2, 26)
        radius = 0.19 * length * (1 - turn / 7.5)
        coil = np.stack([tip[0] + 0.18 * length - radius * np.cos(turn), tip[1] - radius * np.sin(turn)], axis=1)
        spine = np.concatenate([spine, coil])
    brush.paint(limb(spine, [0.14 * g.stout, 0.09, 0.05]), mixed(g.skin, g.dark, 0.15))
    if g.tail == "brush":
        brush.paint(oval(*tip, 0.18, 0.28, tilt=-0.4, waves=[(9, 0.08, 0)]), g.belly)
    elif g.tail == "spade":
        brush.paint(star(*tip, 0.22, 3, 0.45, UP), g.accent)
    elif g.tail == "leaf":
        for lean in (-0.6, 0.0, 0.6):
            brush.paint(leaf(*tip, 0.4, 0.11, UP - 0.3 + lean), g.accent)
    elif g.tail == "flame":
        for size, colour in ((0.5, (238, 84, 38)), (0.33, (250, 170, 50)), (0.18, (255, 238, 150))):
            brush.paint(leaf(tip[0], tip[1] + 0.06, size, size * 0.36, UP - 0.2, 0.06), colour)


def feet(
    brush: Brush, roots: list[tuple[float, float]], length: float, width: float, colour: Colour, g: Genome
) -> None:
    """Legs straight down from their roots, with a foot turned ahead."""
    for x, y in roots:
        brush.paint(
            limb(curve((x, y), (x - 0.02, y + length * 0.5), (x, y + length)), [width * 1.15, width * 0.85]), colour
        )
        brush.paint(oval(x + width * 0.4, y + length, width * 1.25, width * 0.7), mixed(colour, g.dark, 0.25))


def wings(brush: Brush, g: Genome, x: float, y: float, span: float, rng: Rng, *, far: bool = False) -> None:
    """A wing rooted at (x, y), raised backwards; `far` is the one behind the body."""
    bat = g.crest in ("horns", "spines", "crown")
    colour = mixed(g.accent, g.dark, 0.35) if far else g.accent
    angle = (-1.7 if far else -2.2) - rng.uniform(0, 0.5)
    brush.paint(wing(x, y, span, angle, int(rng.integers(3, 6)), rng.uniform(0.35, 0.6), bat), colour)
