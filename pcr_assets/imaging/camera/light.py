"""What print, lamp and tone curve do to each pixel alone: one colour matrix or one look-up table each.

Pictures are uint8 RGB H×W×3; functions named after a change take its physical size, those in `effects` draw the size.
"""

import cv2
import numpy as np

_RAMP = np.arange(256, dtype=np.float32) / 255
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)

# sRGB of black bodies (Mitchell Charity's table, CIE 1964 10 degree observer), as factors of the values at 6500 K.
_KELVIN = np.array([2700, 3000, 3500, 4000, 5000, 6500, 7500], dtype=np.float32)
_BODY = np.array(
    [
        [255, 169, 87],
        [255, 180, 107],
        [255, 196, 137],
        [255, 209, 163],
        [255, 228, 206],
        [255, 249, 253],
        [230, 235, 255],
    ],
    dtype=np.float32,
)


def _looked_up(picture: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """`curve`: float 256 or 256×3 in 0..1 units, one row for each input value."""
    table = np.clip(curve * 255 + 0.5, 0, 255).astype(np.uint8)
    return cv2.LUT(picture, table.reshape(1, 256, -1))


def tinted(picture: np.ndarray, saturation: float, black: float, white: float) -> np.ndarray:
    """Ink on paper instead of a scan: colours `saturation` times as strong, black and white at these levels (0..1)."""
    mix = saturation * np.eye(3, dtype=np.float32) + (1 - saturation) * np.tile(_GREY, (3, 1))
    affine = np.hstack([mix * (white - black), np.full((3, 1), 255 * black, dtype=np.float32)])
    return cv2.transform(picture, affine)


def lit(picture: np.ndarray, kelvin: float, residual: float) -> np.ndarray:
    """Lit by a black body of `kelvin` (2700..7500) of whose colour the white balance left the fraction `residual`.

    The colour cast keeps the brightness of grey, so that exposure alone decides how light the picture is.
    """
    body = np.array([np.interp(kelvin, _KELVIN, _BODY[:, channel] / _BODY[5, channel]) for channel in range(3)])
    gain = body**residual
    return _looked_up(picture, _RAMP[:, None] * (gain / (gain @ _GREY)))


def exposed(picture: np.ndarray, stops: float) -> np.ndarray:
    """Exposed by `stops` more (or, negative, less); what gets brighter than white is lost."""
    return _looked_up(picture, _RAMP * 2 ** (stops / 2.2))


def toned(picture: np.ndarray, gamma: float, slope: float) -> np.ndarray:
    """Tone curve: `value**gamma`, then `slope` times the contrast about middle grey, as phones' processors add it."""
    return _looked_up(picture, slope * (_RAMP**gamma - 0.5) + 0.5)
