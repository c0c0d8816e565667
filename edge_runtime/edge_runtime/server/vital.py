"""Threads that the service can't do without: what ends one is written into the log, and ends the service with it.

Python only prints such an error, and the process goes on without the thread: it would look alive, and answer nobody.
"""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


def vital(name: str, work: Callable[[], None], gave_up: Callable[[], None]) -> threading.Thread:
    """A thread for ``work``, to be started. ``gave_up`` is called, in that thread, where it ends by an error."""

    def run() -> None:
        try:
            work()
        except Exception:
            log.exception("the service can't go on: its %s ended by an error", name)
            gave_up()

    return threading.Thread(target=run, name=name, daemon=True)
