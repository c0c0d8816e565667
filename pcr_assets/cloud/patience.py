"""Waiting for what AWS does in its own time, and for what it has done but does not tell everybody yet."""

import time
from collections.abc import Callable
from typing import TypeVar

from pcr_assets.cloud.clients import CloudError

T = TypeVar("T")
FIRST_SECONDS, LONGEST_SECONDS = 2.0, 30.0


def until(look: Callable[[], T | None], what: str, seconds: float) -> T:
    """Look until there is something, with growing pauses; gives it. Raises CloudError after ``seconds``."""
    pause, end = FIRST_SECONDS, time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() + pause > end:
            raise CloudError(
                f"{what} took longer than {seconds / 60:.0f} minutes: look at it in the console, then run again"
            )
        time.sleep(pause)
        pause = min(LONGEST_SECONDS, pause * 1.5)
    return found
