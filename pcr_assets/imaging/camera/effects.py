"""What an amount from 0 to 1 means for each effect that changes a picture, and the order in which light meets them.

The geometric effects (fit, corners, scale) are part of the warp in `view`.
"""

from collections.abc import Callable, Mapping

import numpy as np

from pcr_assets.imaging.camera import light, optics, surface

Effect = Callable[[np.ndarray, float, np.random.Generator, float], np.ndarray]


def _tint(picture: np.ndarray, amount: float, rng: np.random.Generator, unit: float) -> np.ndarray:
    saturation = 1 + amount * rng.uniform(-0.55, 0.35)
    return light.tinted(picture, saturation, black=0.18 * amount * rng.random(), white=1 - 0.18 * amount * rng.random())


def _light(picture: np.ndarray, amount: float, rng: np.random.Generator, unit: float) -> np.ndarray:
    return light.lit(picture, kelvin=rng.uniform(2700, 7500), residual=0.7 * amount)


def _exposure(picture: np.ndarray, amount: float, rng: np.random.Generator, unit: float) -> np.ndarray:
    return light.exposed(picture, stops=amount * (1.2 if rng.random() < 0.4 else -1.7))


def _contrast(picture: np.ndarray, amount: float, rng: np.random.Generator, unit: float) -> np.ndarray:
    return light.toned(
        picture, gamma=2 ** (amount * rng.uniform(-0.7, 0.7)), slope=2 ** (amount * rng.uniform(-0.6, 0.8))
    )


def _defocus(picture: np.ndarray, amount: float, rng: np.random.Generator, unit: float) -> np.ndarray:
    return optics.defocused(picture, radius=0.016 * amount * unit)


def _motion(picture: np.ndarray, amount: float, rng: np.random.Generator, unit: float) -> np.ndarray:
    return optics.moved(picture, length=0.045 * amount * unit, angle=rng.uniform(0, np.pi))


def _noise(picture: np.ndarray, amount: float, rng: np.random.Generator, unit: float) -> np.ndarray:
    return optics.noisy(picture, sigma=14 * amount, rng=rng)


def _sharpening(picture: np.ndarray, amount: float, rng: np.random.Generator, unit: float) -> np.ndarray:
    return optics.sharpened(picture, gain=1.5 * amount)


def _jpeg(picture: np.ndarray, amount: float, rng: np.random.Generator, unit: float) -> np.ndarray:
    return optics.compressed(picture, quality=round(95 - 70 * amount))


def _of_any_size(change: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]) -> Effect:
    """A change whose lengths are shares of the picture."""
    return lambda picture, amount, rng, unit: change(picture, amount, rng)


PICTORIAL: dict[str, Effect] = {
    "tint": _tint,
    "shine": _of_any_size(surface.shiny),
    "sleeve": _of_any_size(surface.sleeved),
    "glare": _of_any_size(surface.glaring),
    "occlusion": _of_any_size(surface.occluded),
    "shadow": _of_any_size(surface.shadowed),
    "light": _light,
    "exposure": _exposure,
    "contrast": _contrast,
    "defocus": _defocus,
    "motion": _motion,
    "noise": _noise,
    "sharpening": _sharpening,
    "jpeg": _jpeg,
}


def applied(
    picture: np.ndarray, amounts: Mapping[str, float], rng: np.random.Generator, unit: float | None = None
) -> np.ndarray:
    """The picture (uint8 RGB) after each pictorial effect named in `amounts`.

    `unit`: height of a card in pixels, which lens blur is measured in; the picture's height when not given.
    """
    unit = float(unit or picture.shape[0])
    for name, effect in PICTORIAL.items():
        if name in amounts:
            picture = effect(picture, amounts[name], rng, unit)
    return picture
