"""Frames of the source into the inbox. A camera's newest frame replaces one that waits; a file's frames come at its own pace."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from edge_runtime.server.inbox import Inbox
from edge_runtime.server.vital import vital
from edge_runtime.sources import Frame, Source, SourceError

PAUSE = 1.0
"""Seconds between the end of a file and its repetition."""


class Feed:
    """One thread that reads a source. ``reopen`` gives the source again when it ended, None leaves it ended.

    ``gave_up`` is called where a source fails in a way that sources should not: what holds the rest of it is not known.
    """

    def __init__(self, source: Source, inbox: Inbox, gave_up: Callable[[], None], reopen: Callable[[], Source] | None):
        self.frames = 0
        """Frames that the source had, those included that nobody looked at."""
        self._source = source
        self._inbox = inbox
        self._reopen = reopen
        self._seen = False
        self._ended = False
        self._damaged = 0
        self._counting = threading.Lock()
        self._stop = threading.Event()
        self._thread = vital("feed", self._run, gave_up)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self, wait: float = 5.0) -> None:
        """Let go of the source; a driver that hangs is left behind after a while."""
        self._stop.set()
        begun = self._thread.ident is not None
        if self._source.live or not begun:
            self._source.close()
        if begun:
            self._thread.join(wait)

    @property
    def state(self) -> str:
        """``waiting`` for the first frame, ``live``, ``lost`` or ``ended``."""
        if self._ended:
            return "ended"
        if self._source.lost:
            return "lost"
        return "live" if self._seen else "waiting"

    @property
    def damaged(self) -> int:
        """Frames that could not be read. Never fewer than before."""
        with self._counting:
            return self._damaged + self._source.damaged

    def _run(self) -> None:
        time_before, frames_before = 0.0, 0
        while not self._stop.is_set():
            time_before, frames_before = self._read_all(time_before, frames_before)
            if self._reopen is None or self._stop.wait(PAUSE):
                break
            try:
                again = self._reopen()
            except SourceError:  # the file is gone: what was seen of it was all
                break
            with self._counting:
                self._damaged += self._source.damaged
                self._source = again
        self._ended = not self._stop.is_set()

    def _read_all(self, time_before: float, frames_before: int) -> tuple[float, int]:
        """Read until the source ends; gives the time and the number from which frames of a next reading count."""
        began = time.monotonic()
        start, last = None, 0.0
        with self._source as source:
            for frame in source:
                start = frame.time if start is None else start
                last = frame.time - start
                if not source.live and self._stop.wait(max(0.0, began + last - time.monotonic())):
                    break
                self._seen = True
                self.frames = frames_before + frame.number + 1
                shown: Frame = replace(frame, time=time_before + last, number=frames_before + frame.number)
                if self._stop.is_set() or not self._inbox.put_frame(shown, wait=not source.live):
                    break
        return time_before + last + PAUSE, self.frames
