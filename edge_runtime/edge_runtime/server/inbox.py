"""What waits for the recogniser: the next frame, uploaded photos, the release that follows. Bounded, and fair to both."""

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edge_runtime.server.served import Served
from edge_runtime.sources import Frame


class Full(RuntimeError):
    """No more photos are taken now."""


@dataclass(eq=False)
class Upload:
    """A photo uint8 RGB H×W×3 that somebody waits for; ``answer`` gets the JSON value."""

    image: np.ndarray
    answer: "Future[dict[str, Any]]" = field(default_factory=Future)


Work = Frame | Upload | Served


class Inbox:
    """One reader: the loop. A release goes first, then photos and frames take turns."""

    def __init__(self, most_uploads: int):
        self._changed = threading.Condition()
        self._most = most_uploads
        self._frame: Frame | None = None
        self._uploads: deque[Upload] = deque()
        self._next: Served | None = None
        self._photos_turn = True
        self._closed = False

    def put_frame(self, frame: Frame, *, wait: bool) -> bool:
        """Make this the frame to be read next. ``wait`` until the one before was taken, else take its place. False: closed."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._frame is None or self._closed)
            self._frame = frame
            self._changed.notify_all()
            return not self._closed

    def put_upload(self, upload: Upload) -> None:
        """Line up a photo. Raises :class:`Full`."""
        with self._changed:
            if self._closed or len(self._uploads) >= self._most:
                raise Full
            self._uploads.append(upload)
            self._changed.notify_all()

    def put_release(self, served: Served) -> Served | None:
        """Have this release used from the next frame on. Gives one that waited for the same and never will be used."""
        with self._changed:
            if self._closed:
                return served
            overtaken, self._next = self._next, served
            self._changed.notify_all()
            return overtaken

    def take(self, timeout: float) -> Work | None:
        """What to do now; None after so many seconds without anything, or once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._next or self._uploads or self._frame, timeout)
            if self._closed:
                return None
            if self._next is not None:
                served, self._next = self._next, None
                return served
            if self._uploads and (self._photos_turn or self._frame is None):
                self._photos_turn = False
                return self._uploads.popleft()
            self._photos_turn = True
            frame, self._frame = self._frame, None
            self._changed.notify_all()
            return frame

    def close(self) -> None:
        """Let nothing more in; whoever waits for a photo's answer is told so, and a release that waited is closed."""
        with self._changed:
            self._closed = True
            left, self._uploads, served, self._next = self._uploads, deque(), self._next, None
            self._changed.notify_all()
        for upload in left:
            upload.answer.cancel()
        if served is not None:
            served.close()
