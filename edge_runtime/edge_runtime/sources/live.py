"""Frames of a camera, always the newest: a thread reads, a slot of one holds what it read last.

A camera that is unplugged, busy or stalled is waited for, with longer and longer pauses. It is said once that it is lost
and once that it is back. A driver that hangs can't be waited for: only the end of the process lets go of it.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edge_runtime.photo import PhotoError, as_photo
from edge_runtime.sources.base import Closing, Frame, SourceError

MOST_LEFT_BEHIND = 8
"""Times that a driver may hang as it closes: each leaves a thread behind, and whatever it holds."""


class CameraLost(RuntimeError):
    """A camera can't be opened, or stopped giving frames; the message says what happened."""


class Camera(Protocol):
    """A camera that is open. Used by one thread."""

    def read(self) -> np.ndarray:
        """The next frame, uint8 RGB H×W×3. Raises :class:`CameraLost` when no more will come; never waits for ever."""

    def close(self) -> None:
        """Let go of the camera."""


@dataclass(frozen=True)
class Patience:
    """Seconds: the first pause before a camera is opened again, and the longest; a silence that is said; how long a driver
    is waited for when it is asked to close; how long it may take over anything else, which is far more than it should."""

    first: float = 0.5
    longest: float = 30.0
    silence: float = 5.0
    closing: float = 3.0
    hanging: float = 60.0

    def pause(self, failures: int) -> float:
        """Twice as long after each failure, less up to a half by chance, so that cameras of one hub don't come at once."""
        whole = min(self.longest, self.first * 2.0 ** min(failures, 32))
        return whole * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


class Newest:
    """A slot for one frame. What is put in takes the place of what was not yet taken."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self.closed = False

    def put(self, frame: Frame) -> None:
        """Make this the frame that the next reader takes."""
        with self._changed:
            self._frame = frame
            self._changed.notify_all()

    def take(self, timeout: float) -> Frame | None:
        """The newest frame, as soon as there is one; None after so many seconds, or once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self.closed, timeout)
            frame, self._frame = self._frame, None
            return None if self.closed else frame

    def close(self) -> None:
        """Wake whoever waits."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()


class LiveSource(Closing):
    """The frames of a camera that ``open_camera`` opens, again and again if need be. Never ends by itself.

    Iterating over it raises :class:`SourceError` where the driver hangs for good: another process may have it answer again.
    """

    live = True

    def __init__(
        self,
        name: str,
        open_camera: Callable[[], Camera],
        say: Callable[[str], object],
        patience: Patience | None = None,
    ):
        self.name = name
        self.damaged = 0
        self._open = open_camera
        self._say = say
        self._patience = patience or Patience()
        self._slot = Newest()
        self._stop = threading.Event()
        self.lost = False
        self._called: float | None = None
        """Since when the driver is at work; None while it is not asked for anything."""
        self._left_behind = 0
        self._telling = threading.Lock()
        self._number = 0
        self._reader = threading.Thread(target=self._run, name=f"frames of {name}", daemon=True)

    def __iter__(self) -> Iterator[Frame]:
        if self._reader.ident is None:
            self._reader.start()
        while not self._slot.closed:
            frame = self._slot.take(self._patience.silence)
            if frame is not None:
                yield frame
            elif not self._slot.closed:
                self._tell_lost("it gives no frames")
                self._require_driver()

    def _require_driver(self) -> None:
        """Raises :class:`SourceError` where waiting is of no use."""
        called = self._called
        if self._left_behind >= MOST_LEFT_BEHIND or (
            called is not None and time.monotonic() - called > self._patience.hanging
        ):
            raise SourceError(f"{self.name}: its driver hangs: start this anew; if it hangs again, reboot")

    def close(self) -> None:
        """Let go of the camera; a driver that hangs is left behind after a while."""
        self._stop.set()
        self._slot.close()
        if self._reader.ident is not None:
            self._reader.join(self._patience.closing)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            before = self._number
            try:
                self._read_all()
            except Exception as error:  # whatever a driver raises: the camera is as good as unplugged
                self._called = None
                failures = 0 if self._number > before else failures
                self._tell_lost(" ".join(str(error).split()).rstrip(".") or type(error).__name__)
                self._stop.wait(self._patience.pause(failures))
                failures += 1

    def _read_all(self) -> None:
        """Read until the camera is lost, which raises, or the source is closed."""
        self._called = time.monotonic()
        camera = self._open()
        try:
            while not self._stop.is_set():
                self._called = time.monotonic()
                self._take_in(camera.read())
        finally:
            self._left_behind += not within(self._patience.closing, camera.close)

    def _take_in(self, image: np.ndarray) -> None:
        try:
            image = as_photo(np.asarray(image))
        except PhotoError as error:
            self.damaged += 1
            if self.damaged == 1:
                self._say(f"{self.name}: damaged frames are left out ({error})")
            return
        self._slot.put(Frame(image, time.monotonic(), self._number))
        self._number += 1
        self._tell_back()

    def _tell_lost(self, why: str) -> None:
        with self._telling:
            if not self.lost and not self._stop.is_set():
                self.lost = True
                self._say(f"{self.name}: {why}; waiting for it")

    def _tell_back(self) -> None:
        with self._telling:
            if self.lost:
                self.lost = False
                self._say(f"{self.name}: it is back")


def within(seconds: float, work: Callable[[], object]) -> bool:
    """Do it in a thread of its own, and wait so long for it. Whether it was done in time; what it raises is dropped."""
    done = threading.Event()

    def run() -> None:
        try:
            work()
        except Exception:  # noqa: S110 - closing what is broken anyway
            pass
        finally:
            done.set()

    threading.Thread(target=run, daemon=True).start()
    return done.wait(seconds)
