"""The next release, made ready beside the one that answers: opened, warmed and tried before the loop goes over to it."""

import logging
import threading
from collections.abc import Callable

from edge_runtime.embedder import EmbedderError
from edge_runtime.gallery import GalleryError
from edge_runtime.recognizer import Recognizer
from edge_runtime.refusals import ReleaseError
from edge_runtime.selftest import self_test
from edge_runtime.server.served import Served
from edge_runtime.trust import NotARoot

REFUSALS = (ReleaseError, EmbedderError, GalleryError, NotARoot, OSError)

log = logging.getLogger(__name__)


class Successor:
    """Looks for another release now and then.

    ``pointer``: cheap, and differs once there is another; ``opened``: opens the newest, or the last good one; ``test``: raises
    a ReleaseError for one that must not answer; ``hand_over``: gives it to the loop, and gives back one that was overtaken.
    """

    def __init__(
        self,
        current: str,
        pointer: Callable[[], bytes],
        opened: Callable[[], Served],
        hand_over: Callable[[Served], Served | None],
        seconds: float,
        test: Callable[[Recognizer], object] = self_test,
    ):
        self.refused = ""
        """Why the newest release does not answer; empty if it does."""
        self._current = current
        self._known = b""
        self._pointer = pointer
        self._opened = opened
        self._hand_over = hand_over
        self._seconds = seconds
        self._test = test
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="successor", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self, wait: float = 10.0) -> None:
        """Stop looking. A release that is being opened is opened, and closed again."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(wait)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self.look()

    def look(self) -> bool:
        """Look once; whether another release was handed over. A place that can't be read is asked again the next time."""
        try:
            pointer = self._pointer()
            if pointer == self._known:
                return False
            served = self._opened()
            if served.release_id == self._current:
                served.close()
                self._known = pointer
                return False
            try:
                self._test(served.recognizer)
            except Exception as error:
                served.refuse(str(error))
                self._known = pointer  # what fails once would fail again
                raise
        except REFUSALS as error:
            self._say_refused(str(error))
            return False
        except Exception:
            log.exception("another release could not be tried")
            self._say_refused("the newest release failed when it was tried: the log says how")
            return False
        self._known, self._current, self.refused = pointer, served.release_id, ""
        if self._stop.is_set():
            served.close()
            return False
        overtaken = self._hand_over(served)
        if overtaken is not None:
            overtaken.close()
        return True

    def _say_refused(self, why: str) -> None:
        if why != self.refused:
            log.warning("no other release is used: %s", why)
        self.refused = why
