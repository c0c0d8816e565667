"""A picture as JPEG."""

from collections.abc import Sequence

import cv2
import numpy as np


def jpeg(image: np.ndarray, quality: int, further: Sequence[int] = ()) -> bytes:
    """The JPEG of a picture uint8 RGB H×W×3. ``further``: more of OpenCV's settings, each with its value. Raises ValueError."""
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality, *further]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), settings)
    if not done:
        raise ValueError(f"a picture of {image.shape[1]}×{image.shape[0]} pixels could not be encoded")
    return data.tobytes()
