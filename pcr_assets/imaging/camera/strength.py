"""How strong each effect is, and how often it happens. Nothing here touches a picture.

The presets follow the three levels of the protocol by which the peers were measured (corner error of 1, 2.5 and 4.5 %
of a side, JPEG 80-95, 50-80 and 25-55), widened until the real photos that we have lie inside them.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Dose:
    """An effect happens with `probability`; its amount is then uniform in [`low`, `high`], both within 0..1."""

    probability: float = 0.0
    low: float = 0.0
    high: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.probability <= 1 and 0 <= self.low <= self.high <= 1):
            raise ValueError(f"{self}: expected a probability in 0..1 and amounts 0 <= low <= high <= 1")


NEVER = Dose()


@dataclass(frozen=True)
class Strength:
    """One dose for each effect, in the order in which light meets them; see the effects' own docstrings for units."""

    fit: Dose = NEVER  # the found quad is larger (sleeve, toploader) or smaller (inner frame) than the card
    corners: Dose = NEVER  # each corner misses by itself
    scale: Dose = NEVER  # the card is small in the frame
    tint: Dose = NEVER  # a printed card is not its scan: saturation and black level
    shine: Dose = NEVER  # rainbow sheen of a holo foil
    sleeve: Dose = NEVER  # haze and edges of plastic
    glare: Dose = NEVER  # bands, spots and windows mirrored in the surface
    occlusion: Dose = NEVER  # fingers and things, at most 20 % of the card
    shadow: Dose = NEVER
    light: Dose = NEVER  # colour temperature 2700-7500 K that the white balance left in
    exposure: Dose = NEVER
    contrast: Dose = NEVER  # gamma and slope of the tone curve
    defocus: Dose = NEVER
    motion: Dose = NEVER
    noise: Dose = NEVER
    sharpening: Dose = NEVER  # halos that the camera's own processor draws around edges
    jpeg: Dose = NEVER
    mildest: float = 1.0  # one factor in [mildest, 1] scales all amounts of a picture, so easy and hard ones both occur

    def draw(self, rng: np.random.Generator) -> dict[str, float]:
        """Amounts of the effects that happen this time; the same number of draws whatever happens."""
        chances, positions = rng.random((2, len(EFFECTS)))
        factor = rng.uniform(self.mildest, 1.0)
        amounts = {}
        for name, chance, position in zip(EFFECTS, chances, positions, strict=True):
            dose: Dose = getattr(self, name)
            amount = factor * (dose.low + (dose.high - dose.low) * position)
            if chance < dose.probability and amount > 0:
                amounts[name] = float(amount)
        return amounts


EFFECTS: tuple[str, ...] = tuple(field.name for field in fields(Strength) if field.name != "mildest")

STRENGTHS: dict[str, Strength] = {
    "none": Strength(),
    "easy": Strength(
        fit=Dose(0.5, 0.0, 0.25),
        corners=Dose(1.0, 0.1, 0.25),
        scale=Dose(1.0, 0.0, 0.4),
        tint=Dose(0.7, 0.0, 0.4),
        sleeve=Dose(0.2, 0.0, 0.3),
        glare=Dose(0.15, 0.05, 0.25),
        shadow=Dose(0.3, 0.0, 0.3),
        light=Dose(0.7, 0.0, 0.3),
        exposure=Dose(0.7, 0.0, 0.3),
        contrast=Dose(0.5, 0.0, 0.3),
        defocus=Dose(0.4, 0.0, 0.15),
        noise=Dose(0.8, 0.0, 0.2),
        sharpening=Dose(0.5, 0.0, 0.5),
        jpeg=Dose(1.0, 0.0, 0.25),
    ),
    "medium": Strength(
        fit=Dose(0.6, 0.0, 0.55),
        corners=Dose(1.0, 0.35, 0.7),
        scale=Dose(1.0, 0.2, 0.7),
        tint=Dose(0.8, 0.1, 0.7),
        shine=Dose(0.25, 0.1, 0.5),
        sleeve=Dose(0.4, 0.1, 0.6),
        glare=Dose(0.45, 0.1, 0.5),
        occlusion=Dose(0.2, 0.1, 0.4),
        shadow=Dose(0.5, 0.1, 0.6),
        light=Dose(0.8, 0.1, 0.6),
        exposure=Dose(0.8, 0.1, 0.6),
        contrast=Dose(0.7, 0.1, 0.6),
        defocus=Dose(0.5, 0.1, 0.4),
        motion=Dose(0.25, 0.1, 0.4),
        noise=Dose(0.9, 0.1, 0.5),
        sharpening=Dose(0.5, 0.0, 0.8),
        jpeg=Dose(1.0, 0.2, 0.65),
    ),
    "hard": Strength(
        fit=Dose(0.7, 0.2, 1.0),
        corners=Dose(1.0, 0.7, 1.0),
        scale=Dose(1.0, 0.3, 0.9),
        tint=Dose(0.9, 0.2, 1.0),
        shine=Dose(0.35, 0.3, 1.0),
        sleeve=Dose(0.4, 0.2, 0.9),
        glare=Dose(0.7, 0.3, 1.0),
        occlusion=Dose(0.45, 0.3, 1.0),
        shadow=Dose(0.6, 0.2, 0.9),
        light=Dose(0.9, 0.3, 1.0),
        exposure=Dose(0.8, 0.2, 0.9),
        contrast=Dose(0.8, 0.3, 1.0),
        defocus=Dose(0.45, 0.1, 0.6),
        motion=Dose(0.25, 0.1, 0.6),
        noise=Dose(0.8, 0.2, 0.9),
        sharpening=Dose(0.5, 0.0, 1.0),
        jpeg=Dose(1.0, 0.6, 1.0),
    ),
}


def _mixture(worst: Strength) -> Strength:
    """Everything from nearly clean to `worst`, in one continuous mixture, for training."""
    doses: dict[str, Any] = {}
    for name in EFFECTS:
        dose: Dose = getattr(worst, name)
        doses[name] = Dose(0.8 * dose.probability, 0.0, dose.high)
    return Strength(**doses, mildest=0.1)


STRENGTHS["train"] = _mixture(STRENGTHS["hard"])


def only(effect: str, level: float) -> Strength:
    """A strength in which `effect` (one of EFFECTS) always happens with amount `level`, and nothing else does."""
    if effect not in EFFECTS:
        raise ValueError(f"unknown effect {effect!r}: expected one of {', '.join(EFFECTS)}")
    alone: dict[str, Any] = {effect: Dose(1.0, level, level)}
    return Strength(**alone)


def named(strength: str | Strength) -> Strength:
    """The preset of that name; a Strength is returned as it is."""
    if isinstance(strength, Strength):
        return strength
    if strength not in STRENGTHS:
        raise ValueError(f"unknown strength {strength!r}: expected one of {', '.join(STRENGTHS)}, or a Strength")
    return STRENGTHS[strength]
