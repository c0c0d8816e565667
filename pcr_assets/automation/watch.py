"""How the sensor watches the raw folder: four settings, each an environment variable."""

import os
from dataclasses import dataclass

DAY = 86400.0


class WatchError(ValueError):
    """A setting of the sensor can't be used; the message names it and says what it may be."""


@dataclass(frozen=True)
class Watch:
    """``quiet_seconds``: how long a set must stand still before a refresh is asked for. ``most_seconds``: how long one that
    never stands still is waited for. ``queue``: the URL of the SQS queue that is told of changes, or "". ``list_seconds``:
    how often the whole folder is listed, whatever the queue says."""

    quiet_seconds: float = 120.0
    most_seconds: float = 3600.0
    queue: str = ""
    list_seconds: float = DAY

    @classmethod
    def of_environment(cls) -> "Watch":
        """``PCR_QUIET_SECONDS``, ``PCR_MOST_SECONDS``, ``PCR_SQS_QUEUE``, ``PCR_LIST_SECONDS``. Raises WatchError."""
        queue = os.environ.get("PCR_SQS_QUEUE", "")
        if queue and not queue.startswith(("https://", "http://")):
            raise WatchError(f"PCR_SQS_QUEUE is '{queue}': give the queue's URL, https://sqs.REGION.amazonaws.com/…")
        return cls(
            quiet_seconds=_seconds("PCR_QUIET_SECONDS", cls.quiet_seconds),
            most_seconds=_seconds("PCR_MOST_SECONDS", cls.most_seconds),
            queue=queue,
            list_seconds=_seconds("PCR_LIST_SECONDS", cls.list_seconds),
        )


def _seconds(name: str, default: float) -> float:
    said = os.environ.get(name) or str(default)
    try:
        value = float(said)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise WatchError(f"{name} is '{said}': give a number of seconds, 0 or more")
    return value
