"""Local features of a card: points that can be found again on a photo, and how they travel in a release.

ORB (Rublee et al., ICCV 2011): free, in OpenCV itself, and compared by counting bits.
"""

from dataclasses import dataclass

import cv2
import numpy as np

POINTS = 300
"""At most so many a card. With 400, one right card in a hundred more is found at the hardest camera, for twice the time."""
FRACTION = 64
"""Places travel in this part of a pixel."""
BYTES = 36
"""A point's place, two 16-bit numbers, and its descriptor of 32 bytes."""


@dataclass(frozen=True)
class Features:
    """Places float32 N×2, in pixels, and descriptors uint8 N×32."""

    places: np.ndarray
    descriptors: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    def to_bytes(self) -> bytes:
        """N times place and descriptor, little-endian."""
        places = np.rint(self.places * FRACTION).clip(0, 65535).astype("<u2")
        return np.hstack([places.view(np.uint8).reshape(-1, 4), self.descriptors]).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Features":
        """The features that :meth:`to_bytes` wrote. Raises ValueError for bytes of another length."""
        rows = np.frombuffer(data, np.uint8).reshape(-1, BYTES)
        places = np.ascontiguousarray(rows[:, :4]).view("<u2").astype(np.float32) / FRACTION
        return cls(places, np.ascontiguousarray(rows[:, 4:]))


def features(picture: np.ndarray, visible: np.ndarray | None = None) -> Features:
    """The features of a picture uint8 RGB H×W×3; ``visible``, bool H×W: where alone they are looked for."""
    detector = cv2.ORB.create(
        POINTS, scaleFactor=1.2, nlevels=6, fastThreshold=5
    )  # cheap, and not to be shared by threads
    mask = None if visible is None else visible.astype(np.uint8)
    points, descriptors = detector.detectAndCompute(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), mask)
    if descriptors is None:
        return Features(np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8))
    return Features(np.array([point.pt for point in points], np.float32), descriptors)
