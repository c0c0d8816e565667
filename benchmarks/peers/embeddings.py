"""A model that embeds pictures, as a peer: the nearest vector of the gallery wins, the better of two ways up counts."""

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort

from peers.base import Ranking, VectorSearch, both_ways

Embed = Callable[[np.ndarray], np.ndarray]
"""Pictures uint8 N×H×W×3 RGB to unit vectors float32 N×D."""


class Embeddings:
    """Nearest embedding wins. ``size``: width and height that the model takes, the whole card squeezed into it."""

    def __init__(self, embed: Embed, size: tuple[int, int]):
        self._embed, self._size = embed, size
        self._search: VectorSearch | None = None

    def enrol(self, cards: Iterable[np.ndarray]) -> None:
        """See :class:`Peer`."""
        self._search = VectorSearch(np.concatenate([self._embed(self._fit(card)[None]) for card in cards]))

    def rank(self, query: np.ndarray) -> Ranking:
        """See :class:`Peer`."""
        assert self._search is not None
        return self._search.ranking(self._embed(np.stack(both_ways(self._fit(query)))))

    @property
    def bytes_per_card(self) -> float:
        """See :class:`Peer`."""
        assert self._search is not None
        return self._search.bytes_per_card

    def _fit(self, picture: np.ndarray) -> np.ndarray:
        # Areas averaged when shrinking, lines when enlarging: what each direction loses least with.
        shrinks = self._size[0] * self._size[1] < picture.shape[0] * picture.shape[1]
        return cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def onnx_embed(path: Path) -> Embed:
    """A model file with one uint8 N×H×W×3 input and one output, on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    # As for ours: integer kernels of x86 processors without VNNI saturate without it.
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def embed(pictures: np.ndarray) -> np.ndarray:
        vectors = session.run(None, {name: pictures})[0]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return embed
