"""A model on a Hailo chip, as an :class:`~edge_runtime.embedder.Embedder`."""

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from edge_runtime.embedder import EmbedderError, require_cards
from edge_runtime.hailo import chip
from edge_runtime.hailo.connection import Connection
from edge_runtime.hailo.faults import HailoFault, explained
from edge_runtime.timing import timed

TIMEOUT = 2.0
"""Seconds that one card may take: it takes milliseconds, and as long as others' models when they share the chip."""
PAUSES = (1.0, 2.0, 4.0)
"""Seconds waited before each attempt to open a lost chip again."""
HOT = 95.0
"""Degrees Celsius from which heat is named as a likely reason for a fault. Our own limit, none of Hailo's."""

log = logging.getLogger(__name__)


class HailoEmbedder:
    """A HEF that takes uint8 cards, run by HailoRT. The chip is held from the start to :meth:`close`, and by one process.

    A chip that is lost or falls silent is opened again, once for each call, with ``pauses`` (seconds) before the attempts;
    a call after one that failed tries again. ``timeout``: seconds for one card. Raises :class:`HailoFault`, an EmbedderError.
    """

    def __init__(self, path: Path, timeout: float = TIMEOUT, pauses: Sequence[float] = PAUSES):
        self.path = path
        self._timeout = timeout
        self._pauses = pauses
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._connection: Connection | None = None
        self._give_back: Callable[[], object] = lambda: None
        connection = self._connected()
        self.input_size, self.dim = connection.input_size, connection.dim

    def __enter__(self) -> "HailoEmbedder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @timed("embed")
    def embed(self, cards: np.ndarray) -> np.ndarray:
        """See :meth:`edge_runtime.embedder.Embedder.embed`."""
        require_cards(cards, self.input_size, self.path)
        if os.getpid() != self._process:
            raise EmbedderError(f"{self.path.name} was opened by another process: open it in the one that uses it")
        if not len(cards):
            return np.empty((0, self.dim), np.float32)
        with self._lock:
            return _unit(self.path, self._embed(cards))

    def close(self) -> None:
        """Give the chip back. A call of :meth:`embed` opens it again."""
        with self._lock:
            self._drop()

    def _embed(self, cards: np.ndarray) -> np.ndarray:
        try:
            return self._attempt(cards)
        except HailoFault as fault:
            if not fault.passing:
                raise
            log.warning("%s; opening it again", fault)
            self._reopen(fault)
            return self._attempt(cards)

    def _attempt(self, cards: np.ndarray) -> np.ndarray:
        """One try. After any exception, an interrupt too, jobs may be on their way: the connection is dropped."""
        try:
            with explained():
                return self._connected().embed(cards)
        except HailoFault as fault:
            self._drop()
            raise HailoFault(f"{self.path.name}: {fault}{_heat()}", fault.status) from fault
        except BaseException:
            self._drop()
            raise

    def _connected(self) -> Connection:
        if self._connection is None:
            with explained():
                self._connection = Connection(self.path, self._timeout)
            # So that the chip is given back in order even by a program that forgets to.
            self._give_back = weakref.finalize(self, self._connection.close)
        return self._connection

    def _reopen(self, fault: HailoFault) -> None:
        for pause in self._pauses:
            time.sleep(pause)
            try:
                self._connected()
            except HailoFault as again:
                fault = again
            else:
                return
        raise HailoFault(f"{self.path.name}: the Hailo chip does not come back: {fault}", fault.status) from fault

    def _drop(self) -> None:
        self._connection = None
        try:
            self._give_back()
        except Exception as error:  # what a chip that is gone says while it is closed adds nothing
            log.debug("closing the Hailo chip: %s", error)


def _unit(path: Path, vectors: np.ndarray) -> np.ndarray:
    """Vectors scaled to unit length: the graph in a HEF ends before that step, for integers would spoil it."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise EmbedderError(f"{path.name} gave numbers that are not finite, or zeros alone: pull the release again")
    return vectors / lengths


def _heat() -> str:
    """A hint at the chip's temperature where that may be the reason."""
    try:
        degrees = chip.temperature()
    except HailoFault:
        return ""
    return f"; the chip is at {degrees:.0f} °C, cool it" if degrees >= HOT else ""
