"""The four functions of SageMaker's PyTorch containers: a picture that is nothing but a card becomes a unit vector.

The geometry, the model file and the runtime are those that make the gallery.
https://docs.aws.amazon.com/sagemaker/latest/dg/adapt-inference-container.html
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_runtime.embedder import Embedder, OnnxEmbedder
from edge_runtime.geometry import whole_card
from edge_runtime.photo import PhotoError, TooManyPixels, load_photo

MODEL = "model.onnx"
TAKEN = ("application/x-image", "image/jpeg", "image/png", "image/webp")
"""Types of a body; by the first, the bytes themselves say which kind of picture they are."""
GIVEN = "application/json"
MOST_PIXELS = 25_000_000
BATCH = "SAGEMAKER_BATCH"
"""``true`` in the environment of a batch transform: one bad picture then gets a reason, and does not fail the job."""


class Refused(ValueError):
    """A request gets no vector. ``status``: that of HTTP; the message is one sentence."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Unreadable:
    """A picture of a batch that can't be read, and why."""

    reason: str


def model_fn(model_dir: str | Path, threads: int | None = None) -> OnnxEmbedder:
    """The model in an unpacked ``model.tar.gz``. Raises EmbedderError."""
    return OnnxEmbedder(Path(model_dir) / MODEL, threads)


def input_fn(body: bytes, content_type: str | None) -> np.ndarray | Unreadable:
    """A request's body as a picture uint8 RGB H×W×3; ``content_type`` None: nobody said what it is. Raises :class:`Refused`, but in
    a batch gives what is unreadable."""
    kind = (content_type or TAKEN[0]).partition(";")[0].strip().lower()
    if kind not in TAKEN:
        raise Refused(415, f"a body of type {kind or 'none'} is not taken: send one of {', '.join(TAKEN)}")
    try:
        return load_photo(bytes(body), MOST_PIXELS)
    except PhotoError as error:
        if os.environ.get(BATCH) == "true":
            return Unreadable(str(error))
        raise Refused(413 if isinstance(error, TooManyPixels) else 422, str(error)) from error


def predict_fn(picture: np.ndarray | Unreadable, model: Embedder) -> np.ndarray | Unreadable:
    """The unit vector float32 1×D of a picture that shows a card from border to border."""
    return picture if isinstance(picture, Unreadable) else model.embed(card_of(picture, model)[None])


def card_of(picture: np.ndarray, model: Embedder) -> np.ndarray:
    """The picture at the model's input size, uint8 H×W×3: its own frame is the card's outline."""
    return whole_card(picture, model.input_size)


def output_fn(vectors: np.ndarray | Unreadable, accept: str = GIVEN) -> tuple[str, str]:
    """``{"embeddings": [[…]]}`` and its type; of an unreadable picture ``{"quarantined": why}``. Raises :class:`Refused`."""
    wanted = {part.partition(";")[0].strip().lower() for part in accept.split(",")} - {""}
    if wanted and not wanted & {GIVEN, "application/*", "*/*"}:
        raise Refused(406, f"answers are {GIVEN}, not {accept}")
    if isinstance(vectors, Unreadable):
        return json.dumps({"quarantined": vectors.reason}, ensure_ascii=False), GIVEN
    return json.dumps({"embeddings": vectors.tolist()}), GIVEN
