"""Events on their way to somewhere that may be slow or away: a bounded queue, a thread, and patience. The loop never waits."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from edge_runtime.sources.live import Patience

MOST = 1000
"""Events that wait; beyond that the oldest are dropped."""
TRIES = 12
"""Times that an event is sent before it is dropped: over half an hour, with the pauses between."""

log = logging.getLogger(__name__)


class Messenger(Protocol):
    """Somewhere that events are told, on threads of its own."""

    def start(self) -> None:
        """Begin to deliver."""

    def put(self, event: dict[str, Any]) -> None:
        """Take an event, at once."""

    def sees(self, sees: bool) -> None:
        """Take note, at once and now and then, whether the source gives frames."""

    def close(self) -> None:
        """Deliver what can be delivered soon, and end."""


class TryAgain(RuntimeError):
    """An event was not taken now, but may be later; the message says why."""


class Never(RuntimeError):
    """An event will never be taken; the message says why."""


class Outbox:
    """``deliver`` sends one event, or raises :class:`TryAgain` or :class:`Never`; ``told`` counts what became of it."""

    def __init__(
        self,
        name: str,
        deliver: Callable[[dict[str, Any]], None],
        told: Callable[[str, str], None],
        patience: Patience | None = None,
        most: int = MOST,
    ):
        self._name = name
        self._deliver = deliver
        self._told = told
        self._patience = patience or Patience(first=1.0, longest=300.0)
        self._most = most
        self._waiting: deque[dict[str, Any]] = deque()
        self._full = False
        """Whether it was said that the oldest give way, since all were sent."""
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def put(self, event: dict[str, Any]) -> None:
        """Line up an event; never waits."""
        with self._changed:
            self._waiting.append(event)
            if full := len(self._waiting) > self._most:
                self._waiting.popleft()
                self._told(self._name, "dropped")
            news = full and not self._full
            self._full |= full
            self._changed.notify()
        if news:
            log.error("%s: %d events wait: the oldest are dropped", self._name, self._most)

    def sees(self, sees: bool) -> None:
        """Nothing to deliver: only events are."""

    def close(self, wait: float = 5.0) -> None:
        """Deliver what can be delivered by then."""
        self._stop.set()
        with self._changed:
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(wait)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._full &= bool(self._waiting)
                self._changed.wait_for(lambda: self._waiting or self._stop.is_set())
                if not self._waiting:
                    return
                event = self._waiting.popleft()
            self._send(event)

    def _send(self, event: dict[str, Any]) -> None:
        for failures in range(TRIES):
            try:
                self._deliver(event)
            except TryAgain as error:
                self._told(self._name, "tried again")
                if failures == 0:
                    log.warning("%s: %s; trying again", self._name, error)
                if self._stop.wait(self._patience.pause(failures)):
                    break
            except Never as error:
                log.error("%s: %s; event %s is dropped", self._name, error, event["id"])
                break
            except Exception:  # of a way to deliver it that nobody thought of: the next event may fare better
                log.exception("%s: event %s is dropped", self._name, event["id"])
                break
            else:
                self._told(self._name, "delivered")
                return
        else:
            log.error("%s: it was tried %d times; event %s is dropped", self._name, TRIES, event["id"])
        self._told(self._name, "dropped")
