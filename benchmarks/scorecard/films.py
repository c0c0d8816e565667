"""Films of cards that lie still in front of a camera that does not, for benchmarks of streams."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np

from pcr_assets.imaging import camera
from pcr_assets.imaging.camera import Dose
from pcr_assets.imaging.camera.effects import applied
from pcr_assets.imaging.camera.strength import STRENGTHS

FLEETING = ("exposure", "defocus", "motion", "noise", "jpeg")
"""Effects that differ from frame to frame."""
SHAKE = (6.0, 0.7, 0.01)
"""Standard deviations of a hand's movement between frames: pixels, degrees, share of size."""


def film(pictures: Sequence[np.ndarray], strength: str, frames: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Frames uint8 RGB 720×1280×3 of one scene with these cards: what lasts is drawn once, what flickers and the camera's place
    anew for each frame."""
    lasting = replace(STRENGTHS[strength], **dict.fromkeys(FLEETING, Dose()))
    still, corners = camera.scene(pictures, rng, strength=lasting)
    height, width = still.shape[:2]
    unit = float(np.linalg.norm(corners[0][3] - corners[0][0]))
    for _ in range(frames):
        turn, growth = rng.normal(0, SHAKE[1]), 1 + rng.normal(0, SHAKE[2])
        moved = cv2.getRotationMatrix2D((width / 2, height / 2), turn, growth)
        moved[:, 2] += rng.normal(0, SHAKE[0], 2)
        frame = cv2.warpAffine(still, moved, (width, height), borderMode=cv2.BORDER_REPLICATE)
        amounts = {name: amount for name, amount in STRENGTHS[strength].draw(rng).items() if name in FLEETING}
        yield np.ascontiguousarray(applied(frame, amounts, rng, unit=unit))
