"""What a creature of the Wild Atlas looks like, as a genome drawn from a seed: plan of the body, colours, features."""

from dataclasses import dataclass

import numpy as np

from pcr_assets.imaging.sample.brush import Colour, hsv

PLANS = ("walker", "bird", "serpent", "fish", "slime", "insect", "jelly", "fungus", "golem", "shell", "owl", "dragon")
PLACES = ("hills", "sea", "cave", "night", "city", "desert", "forest", "volcano", "reef", "snow", "islands", "swamp")
STYLES = ("ink", "soft", "paper", "pixel", "print", "paint", "flat")
ELEMENTS = ("ember", "tide", "grove", "spark", "stone", "gale", "frost", "shade", "lumen")
HUES = dict(zip(ELEMENTS, (0.02, 0.58, 0.33, 0.14, 0.08, 0.46, 0.53, 0.78, 0.93), strict=True))


@dataclass(frozen=True)
class Genome:
    """Everything that the drawing of one creature and its place depends on."""

    seed: int
    plan: str
    place: str
    style: str
    element: str
    skin: Colour
    belly: Colour
    accent: Colour
    dark: Colour
    pattern: str
    eyes: str
    crest: str
    tail: str
    stout: float
    size: float
    facing: int


def genome(seed: int, rank: int) -> Genome:
    """The creature number `rank` of a family; neighbours differ in plan, place and style by construction."""
    rng = np.random.default_rng([seed, rank])
    element = ELEMENTS[int(rng.integers(len(ELEMENTS)))]
    hue = HUES[element] + rng.normal(0, 0.05) + (rng.choice([0.0, 0.0, 0.5, 0.33]))
    value = rng.uniform(0.55, 0.95)
    return Genome(
        seed=int(rng.integers(2**31)),
        plan=PLANS[(rank + int(rng.integers(3)) * 5) % len(PLANS)],
        place=PLACES[(rank * 5 + rank // len(PLACES) + int(rng.integers(2))) % len(PLACES)],
        style=STYLES[(rank * 3 + int(rng.integers(2))) % len(STYLES)],
        element=element,
        skin=hsv(hue, rng.uniform(0.35, 0.85), value),
        belly=hsv(hue + 0.04, rng.uniform(0.08, 0.3), min(1.0, value + 0.2)),
        accent=hsv(hue + rng.choice([0.12, 0.42, 0.5, 0.58]), rng.uniform(0.55, 0.95), rng.uniform(0.7, 1.0)),
        dark=hsv(hue - 0.03, rng.uniform(0.4, 0.7), rng.uniform(0.14, 0.28)),
        pattern=str(rng.choice(["plain", "spots", "stripes", "patch", "scales", "rings"])),
        eyes=str(
            rng.choice(["round", "dot", "sleepy", "fierce", "glow", "single"], p=[0.3, 0.2, 0.12, 0.18, 0.1, 0.1])
        ),
        crest=str(
            rng.choice(["ears", "horns", "leaves", "spines", "antlers", "antennae", "crown", "tuft", "long ears"])
        ),
        tail=str(rng.choice(["curl", "brush", "spade", "leaf", "flame", "whip"])),
        stout=float(rng.uniform(0.8, 1.3)),
        size=float(rng.uniform(0.9, 1.12)),
        facing=int(rng.choice([-1, 1])),
    )
