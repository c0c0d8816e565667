"""Keeping feedback in a thread of its own: a memory card takes its time for each file, and a recogniser has none to wait."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edge_runtime.reading.readings import Recognition

WAITING = 4
"""Pictures that wait to be looked at. Of more nothing is kept: what still lies there comes again with the next frame."""

log = logging.getLogger(__name__)
_writer = ThreadPoolExecutor(1, "feedback")
"""One for the whole process: while a release takes over from another, both have a box of the same folder."""


class Background:
    """A recogniser's ``notice`` that hands what it is told to another one, and never waits for it."""

    def __init__(self, notice: "Callable[[np.ndarray, Recognition], None]"):
        self._notice = notice
        self._room = threading.BoundedSemaphore(WAITING)

    def __call__(self, image: np.ndarray, found: "Recognition") -> None:
        """See :attr:`edge_runtime.recognizer.Recognizer.notice`."""
        if found.cards and self._room.acquire(blocking=False):
            _writer.submit(self._tell, image, found)

    def _tell(self, image: np.ndarray, found: "Recognition") -> None:
        try:
            self._notice(image, found)
        except Exception:  # nobody waits for this, who could be told
            log.exception("feedback is not kept")
        finally:
            self._room.release()
