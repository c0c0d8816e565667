"""Live pictures for those who watch: a thread makes a JPEG of the newest look, only while somebody waits for one."""

import logging
import threading
import time
from collections.abc import Callable

import cv2

from edge_runtime.jpeg import jpeg
from edge_runtime.server.hub import Hub, Picture
from edge_runtime.server.scene import Look
from edge_runtime.server.vital import vital

WIDEST = 960
"""Pixels that a live picture is wide at most."""
QUALITY = 75

log = logging.getLogger(__name__)


class Viewfinder:
    """``fps``: pictures a second at most. ``gave_up`` is called where it can't go on."""

    def __init__(self, hub: Hub, fps: float, gave_up: Callable[[], None]):
        self._hub = hub
        self._pause = 1 / fps
        self._look: Look | None = None
        self._changed = threading.Condition()
        self._stop = False
        self._failed = False
        self._thread = vital("viewfinder", self._run, gave_up)

    def start(self) -> None:
        """Begin to make pictures."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        with self._changed:
            self._stop = True
            self._changed.notify_all()
        self._hub.let_go()
        if self._thread.ident is not None:
            self._thread.join(5)

    def show(self, look: Look) -> None:
        """Make this the newest look."""
        with self._changed:
            self._look = look
            self._changed.notify_all()

    def _is_news(self, shown: int) -> bool:
        """Whether there is a look that somebody has not seen; the last one of a video stays, for those who come later."""
        return self._look is not None and (self._look.number != shown or self._hub.newcomer)

    def _run(self) -> None:
        shown = -1
        while not self._stop:
            if not self._hub.wait_until_wanted(1.0):
                continue
            with self._changed:
                self._changed.wait_for(lambda: self._stop or self._is_news(shown), 1.0)  # noqa: B023
                look = self._look
            if look is None or self._stop or not self._is_news(shown):
                continue
            shown = look.number
            self._show(look)
            time.sleep(self._pause)

    def _show(self, look: Look) -> None:
        """Publish its picture. One that can't be made is left out: cards are named without it, and the next may fare better."""
        try:
            self._hub.publish(picture_of(look))
            self._failed = False
        except Exception:
            if not self._failed:
                log.exception("no live picture could be made")
            self._failed = True


def picture_of(look: Look) -> Picture:
    """A look as JPEG, scaled down if it is wide; the corners in its head are pixels of the frame, whose size stands there."""
    height, width = look.image.shape[:2]
    shrink = min(1.0, WIDEST / width)
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = cv2.resize(look.image, size, interpolation=cv2.INTER_AREA) if shrink < 1 else look.image
    head = {
        "type": "picture",
        "number": look.number,
        "width": width,
        "height": height,
        "status": look.status.value,
        "cards": list(look.cards),
        "release_id": look.release_id,
    }
    return Picture(head, jpeg(small, QUALITY))
