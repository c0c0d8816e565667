"""How fast requests may start, shared by all threads that make them."""

import threading
import time


class Stopped(Exception):
    """The run is being ended: nothing new starts."""


class Pace:
    """Lets one request start every ``1 / rate`` seconds, and none while a server has asked for a pause."""

    def __init__(self, rate: float):
        self._gap = 1 / rate
        self._next = time.monotonic()
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def turn(self) -> None:
        """Wait for the next turn. Raises :class:`Stopped`."""
        while (left := self._claim()) > 0:
            self.rest(left)

    def _claim(self) -> float:
        """Seconds until the next turn; at 0 it is taken. Asked again after a wait, for a pause may have come since."""
        with self._lock:
            now = time.monotonic()
            if now < self._next:
                return self._next - now
            self._next = now + self._gap
            return 0.0

    def pause(self, seconds: float) -> None:
        """No request of any thread starts for so many seconds."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def rest(self, seconds: float) -> None:
        """Sleep, but no longer than the run lasts. Raises :class:`Stopped`."""
        if self._stop.wait(seconds):
            raise Stopped

    def stop(self) -> None:
        """Wake everybody, and let nobody start again."""
        self._stop.set()
