"""Which outlines are worth reading: a tiny network that tells those of whole cards from all others.

It knows no card by its look. It sees a small picture of the outline and of what lies around it, and judges whether a
card's edge runs there; so it keeps the cards of any game, and throws out tables, frames inside cards and pairs of cards.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge_runtime.embedder import EmbedderError, processor_session
from edge_runtime.geometry import scaled, thumbnails
from edge_runtime.timing import timed

AT_ONCE = 16
"""Outlines judged at once: the working memory grows with them (0.14 MB each), their time does not shrink."""


class OutlineFilter:
    """A model file run by ONNX Runtime on the processor: uint8 N×H×W×3 RGB to probabilities float32 N.

    Two numbers travel in the file's metadata: ``margin``, by how much an outline is enlarged before it is cut out, and
    ``threshold``, the least probability that is worth reading. Raises :class:`EmbedderError` for any other file.
    """

    def __init__(self, path: Path, threads: int | None = None):
        try:
            self._session = processor_session(path, threads)
            (given,), (made,) = self._session.get_inputs(), self._session.get_outputs()
            _, height, width, channels = given.shape
            known = self._session.get_modelmeta().custom_metadata_map
            self.margin, self.threshold = float(known["margin"]), float(known["threshold"])
            fits = given.type == "tensor(uint8)" and channels == 3 and len(made.shape) == 1 and self.margin > 0
            if not (fits and 0 <= self.threshold <= 1):
                raise ValueError(f"takes {given.type} {given.shape}")
            self.size = (int(width), int(height))
        except Exception as error:  # ONNX Runtime raises a class of its own for each way to fail, none public
            raise EmbedderError(f"{path} is no outline filter of this product: pull the release again") from error
        self.path = path
        self._name = given.name

    def likeliest(self, image: np.ndarray, outlines: Sequence[np.ndarray], least: float | None = None) -> list[int]:
        """Rows of the outlines (float32 4×2) on a picture uint8 RGB H×W×3 that have a probability of at least ``least``, or of the
        filter's own threshold: the likeliest first.

        Raises EmbedderError when the model gives other numbers.
        """
        likely = self.probabilities(image, outlines)
        least = self.threshold if least is None else least
        return [int(row) for row in np.argsort(-likely, kind="stable") if likely[row] >= least]

    @timed("filter")
    def probabilities(self, image: np.ndarray, outlines: Sequence[np.ndarray]) -> np.ndarray:
        """How likely each outline (float32 4×2) on a picture uint8 RGB H×W×3 is that of a whole card: float32 N, 0..1.

        Raises EmbedderError when the model gives other numbers.
        """
        if not len(outlines):
            return np.empty(0, np.float32)
        crops = thumbnails(image, [scaled(corners, self.margin) for corners in outlines], self.size)
        portions = (crops[at : at + AT_ONCE] for at in range(0, len(crops), AT_ONCE))
        found = np.concatenate([self._session.run(None, {self._name: portion})[0] for portion in portions])
        if found.shape != (len(outlines),) or not ((found >= 0) & (found <= 1)).all():
            raise EmbedderError(f"{self.path} gave no probabilities: pull the release again")
        return found
