"""The next release, made ready beside the one that answers: opened, warmed and tried before the loop goes over to it."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edge_runtime.embedder import EmbedderError
from edge_runtime.gallery import GalleryError
from edge_runtime.geometry import full_frame
from edge_runtime.keys import NotAKey
from edge_runtime.recognizer import Recognizer
from edge_runtime.references import SIZE
from edge_runtime.release import ReleaseError
from edge_runtime.server.served import Served

TRIED = 3
"""Cards of the release that it must know by their own pictures."""
AROUND = 40
"""Pixels of grey around such a picture."""
REFUSALS = (ReleaseError, EmbedderError, GalleryError, NotAKey, OSError)

log = logging.getLogger(__name__)


class FailsItsTest(ReleaseError):
    """A release opens, but does not know its own cards."""


def self_test(recognizer: Recognizer) -> None:
    """Have a recogniser name some of its own pictures, which also loads what is loaded at first use.

    Raises :class:`FailsItsTest`. Without pictures only a grey frame is read.
    """
    width, height = SIZE
    frame = np.full((height + 2 * AROUND, width + 2 * AROUND, 3), 128, np.uint8)
    recognizer.recognize(frame)
    look = recognizer.judge.second_look
    if look is None:
        return
    inside = full_frame(width, height) + np.float32(AROUND)
    keys = [key for key in recognizer.gallery.keys if key in look.references]
    for key in keys[:: max(1, len(keys) // TRIED)][:TRIED]:
        frame[AROUND:-AROUND, AROUND:-AROUND] = look.references.picture(key)
        card, found = recognizer.gallery.card(key), recognizer.read_at(frame, inside).card
        if found.art_group != card.art_group:
            raise FailsItsTest(f"the picture of {card.card_id} is taken for {found.card_id}: publish the release again")


def pointer_at(place: Path) -> bytes:
    """What names the newest release of a place, in a few bytes; it differs once there is another. OSError if there is none."""
    inside = place / "releases" / "latest.json"
    return (inside if inside.exists() else place / "latest.json").read_bytes()


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
        test: Callable[[Recognizer], None] = self_test,
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
            except Exception:
                served.close()
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
