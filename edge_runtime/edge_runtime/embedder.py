"""Models that turn cards into embeddings: what one looks like, and the one that ONNX Runtime runs on the processor.

:mod:`edge_runtime.hailo` runs one on a Hailo chip; :mod:`edge_runtime.engine` chooses.
"""

from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

import numpy as np
import onnxruntime as ort

from edge_runtime.timing import timed


class EmbedderError(RuntimeError):
    """A model can't be used; the message names the file and the cure."""


class Embedder(Protocol):
    """A model: cards in, unit vectors out."""

    @property
    def input_size(self) -> tuple[int, int]:
        """Width and height of the cards it takes, in pixels."""

    @property
    def dim(self) -> int:
        """Length of its vectors."""

    def embed(self, cards: np.ndarray) -> np.ndarray:
        """Cards uint8 N×H×W×3 RGB to unit vectors float32 N×D."""

    def close(self) -> None:
        """Give back what is held for it, a chip above all."""


AT_ONCE = 4
"""Cards that a device embeds at once: the working memory grows with them (2 MB each), their time does not shrink."""


def embedded(embedder: Embedder, cards: np.ndarray) -> np.ndarray:
    """The vectors of cards as :meth:`Embedder.embed` gives them, a few embedded at once."""
    return np.concatenate([embedder.embed(cards[at : at + AT_ONCE]) for at in range(0, len(cards) or 1, AT_ONCE)])


def require_cards(cards: np.ndarray, size: tuple[int, int], model: Path) -> None:
    """Raises EmbedderError for anything but cards uint8 N×H×W×3 of the ``size`` (width, height) that a model takes."""
    width, height = size
    if cards.dtype != np.uint8 or cards.shape[1:] != (height, width, 3):
        raise EmbedderError(f"{model.name} takes uint8 N×{height}×{width}×3, not {cards.dtype} {cards.shape}")


_OPEN: "WeakValueDictionary[tuple[int | None, ...], ort.InferenceSession]" = WeakValueDictionary()


def processor_session(path: Path, threads: int | None = None) -> ort.InferenceSession:
    """A model file, run by ONNX Runtime on the processor. Raises what ONNX Runtime raises, a class for each way to fail.

    One that is open is not opened again: a release that brings new cards has the models of the one before, and a pull links
    their files to those. Two threads may run it at once.
    """
    file = path.stat()
    same = (file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns, threads)
    session = _OPEN.get(same)
    if session is None:
        session = _OPEN[same] = _session(path, threads)
    return session


def _session(path: Path, threads: int | None) -> ort.InferenceSession:
    options = ort.SessionOptions()
    # Integer kernels saturate on x86 without VNNI; with this x86 gives what ARM gives, bit for bit in practice.
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # An arena would keep what the largest batch took; without one, a run takes 1 to 3 % longer.
    options.enable_cpu_mem_arena = False
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class OnnxEmbedder:
    """A model file that takes uint8 cards and gives unit vectors, run by ONNX Runtime on the processor.

    ``threads``: for one call; by default one for each core. Raises :class:`EmbedderError` for a file that is no such model.
    """

    def __init__(self, path: Path, threads: int | None = None):
        try:
            self._session = processor_session(path, threads)
        except Exception as error:  # ONNX Runtime raises a class of its own for each way to fail, none public
            raise EmbedderError(
                f"{path} is no model that ONNX Runtime {ort.__version__} can run: pull the release again"
            ) from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise EmbedderError(f"{path} is no model of this product: those have one input and one output")
        given, made = inputs[0], outputs[0]
        shape = given.shape
        fixed = len(shape) == 4 and all(isinstance(length, int) for length in (*shape[1:], *made.shape[-1:]))
        if given.type != "tensor(uint8)" or not fixed or shape[3] != 3 or len(made.shape) != 2:
            raise EmbedderError(
                f"{path} makes {made.shape} of {given.type} {shape}: a model of this product makes N×D of uint8 N×H×W×3"
            )
        self.path = path
        self.input_size = (int(shape[2]), int(shape[1]))
        self.dim = int(made.shape[-1])
        self._name = given.name

    @timed("embed")
    def embed(self, cards: np.ndarray) -> np.ndarray:
        """See :meth:`Embedder.embed`. Raises EmbedderError when the model gives no finite numbers."""
        require_cards(cards, self.input_size, self.path)
        if not len(cards):
            return np.empty((0, self.dim), np.float32)
        vectors = self._session.run(None, {self._name: cards})[0]
        if not np.isfinite(vectors).all():
            raise EmbedderError(f"{self.path.name} gave numbers that are not finite: pull the release again")
        return vectors

    def close(self) -> None:
        """Nothing to give back."""
