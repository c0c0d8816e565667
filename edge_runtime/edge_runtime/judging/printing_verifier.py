"""Whether a card is the very printing that a picture shows, or another one with the same artwork: in another language, say.

Embeddings and local features know a card by its artwork. A small network looks at the whole card, laid over the picture, and
judges whether the name, the text and the frame are the same. It knows no script and no card: only what a camera does to print.
"""

from pathlib import Path

import cv2
import numpy as np

from edge_runtime.embedder import EmbedderError, processor_session
from edge_runtime.judging.likeness import evened_out
from edge_runtime.judging.references import HALF

SOFT = 0.8
"""Blur in pixels: neither the grain of the sensor nor that of the print shall count."""
SMALL = HALF[0]
"""Width in pixels below which a card on a photo is small: it shows less than is looked at here."""
SURROUNDINGS = 31
"""Pixels, a quarter of the card's width, over which brightness and contrast are evened out."""


class PrintingVerifier:
    """A model file run by ONNX Runtime on the processor: pairs float32 N×2×H×W of a card and a picture, as :func:`evened` gives
    both, to probabilities float32 N that they are one printing.

    In the file's metadata, ``threshold``: the least probability of a printing that is believed, and ``threshold_small``, of a small
    card, where it was chosen: see :meth:`least`. Raises :class:`EmbedderError` for any other file.
    """

    def __init__(self, path: Path, threads: int | None = None):
        try:
            self._session = processor_session(path, threads)
            (given,), (made,) = self._session.get_inputs(), self._session.get_outputs()
            chosen = self._session.get_modelmeta().custom_metadata_map
            self.threshold = float(chosen["threshold"])
            self.threshold_small = float(chosen.get("threshold_small", self.threshold))
            shape = [2, *reversed(HALF)]
            fits = given.type == "tensor(float)" and given.shape[1:] == shape and len(made.shape) == 1
            if not (fits and 0 <= self.threshold <= self.threshold_small <= 1):
                raise ValueError(f"takes {given.type} {given.shape}")
        except Exception as error:  # ONNX Runtime raises a class of its own for each way to fail, none public
            raise EmbedderError(f"{path} is no printing verifier of this product: pull the release again") from error
        self.path = path
        self._name = given.name

    def least(self, width: float) -> float:
        """The least probability that is believed of a card so many pixels wide on the photo.

        Glare and blur make a card seem another printing, which the threshold allows for; one that only lies far off has to be
        likelier.
        """
        return self.threshold_small if width < SMALL else self.threshold

    def probability(self, card: np.ndarray, picture: np.ndarray) -> float:
        """How likely a card, laid over a picture, is the printing that this shows: 0..1; both grey uint8 H×W of
        :data:`edge_runtime.judging.references.HALF`.

        Raises EmbedderError when the model gives another number.
        """
        (found,) = self._session.run(None, {self._name: np.stack([evened(card), evened(picture)])[None]})[0].tolist()
        if not 0 <= found <= 1:
            raise EmbedderError(f"{self.path} gave no probability: pull the release again")
        return float(found)


def evened(grey: np.ndarray) -> np.ndarray:
    """A grey picture uint8 H×W as float32, with the same mean and contrast everywhere."""
    soft = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), SOFT)
    return evened_out(soft, lambda picture: cv2.blur(picture, (SURROUNDINGS, SURROUNDINGS)))
