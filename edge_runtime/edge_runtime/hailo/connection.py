"""One model on the chip, configured once and kept. Cards go in as jobs, a few at a time, so that the chip never waits for one."""

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from edge_runtime.embedder import EmbedderError
from edge_runtime.hailo.chip import hailort

GROUP = "SHARED"
"""Group of the virtual device: other libraries in this process that use this name, picamera2 among them, share the chip."""
IN_FLIGHT = 4
"""Jobs on their way at most: while one is computed the next is there already and the last is fetched."""


class Connection:
    """A model of this product on the chip. It lets HailoRT's exceptions pass, and is of no use after one: close it.

    ``timeout``: seconds that one card may take. Raises EmbedderError for a HEF that is no model of this product.
    """

    def __init__(self, model: Path, timeout: float):
        library = hailort()
        self._timeout_ms = int(timeout * 1000)
        self._slots: list[_Slot] = []
        with ExitStack() as stack:
            params = library.VDevice.create_params()
            params.scheduling_algorithm = library.HailoSchedulingAlgorithm.ROUND_ROBIN
            params.group_id = GROUP
            device = stack.enter_context(library.VDevice(params))
            described = device.create_infer_model(str(model))
            self.input_size, self.dim = _described(model, described)
            described.input().set_format_type(library.FormatType.UINT8)
            described.output().set_format_type(library.FormatType.FLOAT32)
            # The last to be opened and the first to be closed: the device must not go before what is configured on it.
            self._configured = stack.enter_context(described.configure())
            shapes = described.input().shape, described.output().shape
            count = max(1, min(IN_FLIGHT, self._configured.get_async_queue_size()))
            self._slots = [_Slot(self._configured, *shapes) for _ in range(count)]
            self._open = stack.pop_all()

    def embed(self, cards: np.ndarray) -> np.ndarray:
        """Cards uint8 N×H×W×3 to vectors float32 N×D as the chip gives them, of any length."""
        vectors = np.empty((len(cards), self.dim), np.float32)
        idle, busy = list(self._slots), deque[tuple[int, _Slot]]()
        for row, card in enumerate(cards):
            if not idle:
                idle.append(self._collect(busy, vectors))
            slot = idle.pop()
            slot.start(self._configured, card, self._timeout_ms)
            busy.append((row, slot))
        while busy:
            self._collect(busy, vectors)
        return vectors

    def _collect(self, busy: "deque[tuple[int, _Slot]]", vectors: np.ndarray) -> "_Slot":
        """Wait for the oldest job, keep its vector, and give its slot back."""
        row, slot = busy.popleft()
        vectors[row] = slot.finish(self._timeout_ms)
        return slot

    def close(self) -> None:
        """Give the chip back; jobs on their way are dropped. Closing again does nothing."""
        self._open.close()
        self._slots = []  # last: until it is closed, the chip may write into their buffers


class _Slot:
    """The buffers of one job, used again for card after card."""

    def __init__(self, configured: Any, card_shape: Sequence[int], vector_shape: Sequence[int]):
        self._card = np.zeros(card_shape, np.uint8)
        self._vector = np.zeros(vector_shape, np.float32)
        self._bindings = configured.create_bindings()
        self._bindings.input().set_buffer(self._card)
        self._bindings.output().set_buffer(self._vector)
        self._job: Any = None
        self._failure: Exception | None = None

    def start(self, configured: Any, card: np.ndarray, timeout_ms: int) -> None:
        """Send a card on its way."""
        self._card[...] = card
        self._failure = None
        configured.wait_for_async_ready(timeout_ms, 1)
        self._job = configured.run_async([self._bindings], self._done)

    def _done(self, completion_info: Any) -> None:
        self._failure = completion_info.exception

    def finish(self, timeout_ms: int) -> np.ndarray:
        """The vector, flat; valid until the slot is started again."""
        self._job.wait(timeout_ms)
        if self._failure is not None:  # a job that failed counts as finished: only its callback is told
            raise self._failure
        return self._vector.reshape(-1)


def _described(model: Path, described: Any) -> tuple[tuple[int, int], int]:
    """Width and height that a HEF takes, and the length of its vectors."""
    if len(described.inputs) != 1 or len(described.outputs) != 1:
        raise EmbedderError(f"{model} is no model of this product: those have one input and one output")
    given, made = list(described.input().shape), list(described.output().shape)
    if len(given) != 3 or given[2] != 3 or np.prod(made) != made[-1]:
        raise EmbedderError(f"{model} makes {made} of {given}: a model of this product makes D numbers of H×W×3")
    return (int(given[1]), int(given[0])), int(made[-1])
