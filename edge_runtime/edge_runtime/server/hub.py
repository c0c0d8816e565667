"""From the loop's thread to all who watch. Publishing never waits: a slow watcher misses states and pictures, never events."""

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

MOST_EVENTS = 256
"""Events that wait for one watcher. One that falls behind further is sent away, comes back, and asks for what it missed."""


@dataclass(frozen=True)
class Picture:
    """A live picture: what lies on it, and the JPEG."""

    head: dict[str, Any]
    jpeg: bytes


class Watcher:
    """One connection. Lives in the event loop's thread."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.events: deque[dict[str, Any]] = deque()
        self.state: dict[str, Any] | None = None
        self.picture: Picture | None = None
        self.wants_picture = False
        self.had_picture = False
        self.behind = False

    def tell(self, what: dict[str, Any] | Picture) -> None:
        """Leave something for the connection to send."""
        if isinstance(what, Picture):
            self.picture, self.had_picture = what, True
        elif what["type"] == "state":
            self.state = what
        elif self.behind or len(self.events) >= MOST_EVENTS:
            # For good: it asks for what came after the last one that it got, so none may come after a gap.
            self.behind = True
        else:
            self.events.append(what)
        self.changed.set()


class Hub:
    """All watchers. ``publish`` may be called from any thread, the rest from the event loop's."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wanted = threading.Event()
        self._newcomer = threading.Event()

    def open(self) -> None:
        """Begin to deliver, in the running event loop."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Deliver nothing more."""
        self._loop = None

    def join(self) -> Watcher:
        """A new watcher."""
        watcher = Watcher()
        self._watchers.add(watcher)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Tell this one nothing more."""
        self._watchers.discard(watcher)

    def want(self, watcher: Watcher) -> None:
        """Let this watcher have the next picture."""
        watcher.wants_picture = True
        if not watcher.had_picture:
            self._newcomer.set()
        self._wanted.set()

    def wait_until_wanted(self, timeout: float) -> bool:
        """Whether somebody waits for a picture by then. Called by whoever makes them."""
        return self._wanted.wait(timeout)

    def let_go(self) -> None:
        """Have whoever makes pictures wait no longer, for it is to end. May be called from any thread."""
        self._wanted.set()

    @property
    def newcomer(self) -> bool:
        """Whether somebody waits who had no picture yet, to whom one that others had is new."""
        return self._newcomer.is_set()

    @property
    def watching(self) -> int:
        """How many are connected."""
        return len(self._watchers)

    def publish(self, what: dict[str, Any] | Picture) -> None:
        """Tell everyone; a picture only those who wait for one."""
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._deliver, what)
            except RuntimeError:  # the event loop ended this moment
                self._loop = None

    def _deliver(self, what: dict[str, Any] | Picture) -> None:
        if isinstance(what, Picture):
            self._wanted.clear()
            self._newcomer.clear()
        for watcher in self._watchers:
            if not isinstance(what, Picture):
                watcher.tell(what)
            elif watcher.wants_picture:
                watcher.wants_picture = False
                watcher.tell(what)
