"""Whether a frame is worth reading: nothing moved, nothing new to learn."""

import numpy as np

from edge_runtime.geometry import narrowed

CELLS = 64
"""Cells that a frame is wide. The smallest card that is looked for covers nine."""
STILL = 6.0
"""Levels (of 256) by which the mean colour of no cell differs on a still scene, at a noise of 6 levels for each pixel of
640 × 480."""
READS = 3
"""Frames of a scene that are read before it is spared: a card missed in one of them is found in the next."""


def cells(image: np.ndarray) -> np.ndarray:
    """The mean colours of the cells of a picture uint8 RGB H×W×3: float32 h×64×3, or h×W×3 of a narrower one."""
    return narrowed(image, CELLS).astype(np.float32)


class Stillness:
    """Compares each frame with the one that was last read, so that slow changes add up.

    A mean over the whole frame would miss a small card, and grey a red one on a green table: the cell and the colour that
    differ most decide. ``most``: levels they may differ by; 0 never spares a frame.
    """

    def __init__(self, most: float = STILL):
        self._most = most
        self.reads = 0
        """Frames of the scene as it is that were read."""
        self._read: np.ndarray | None = None

    def holds(self, image: np.ndarray) -> bool:
        """Whether the scene is as it was when it was last read, and was read often enough."""
        if not self._most > 0:
            return False
        now = cells(image)
        alike = self._read is not None and now.shape == self._read.shape
        still = alike and float(np.abs(now - self._read).max()) < self._most
        self.reads = self.reads if still else 0
        if still and self.reads >= READS:
            return True
        self._read = now
        return False

    def forget(self) -> None:
        """Have the next frame read, whatever it shows."""
        self._read, self.reads = None, 0

    def was_read(self) -> None:
        """The frame that was just asked about was read."""
        self.reads += 1
