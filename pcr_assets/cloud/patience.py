"""Waiting for what AWS does in its own time, and for what it has done but does not tell everybody yet."""

import time
from collections.abc import Callable
from typing import TypeVar

from pcr_assets.cloud.clients import CloudError, will_pass

T = TypeVar("T")
FIRST_SECONDS, LONGEST_SECONDS = 2.0, 30.0


def until(look: Callable[[], T | None], what: str, seconds: float) -> T:
    """Look until there is something, with growing pauses; gives it. Raises CloudError after ``seconds``.

    A look that fails because AWS is busy or the network is away is only a look that saw nothing; raises what else boto3 raises.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    pause, end = FIRST_SECONDS, time.monotonic() + seconds
    while True:
        last = time.monotonic() + pause > end
        try:
            if (found := look()) is not None:
                return found
        except (BotoCoreError, ClientError) as error:
            if last or not will_pass(error):
                raise
        if last:
            raise CloudError(
                f"{what} took longer than {seconds / 60:.0f} minutes: look at it in the console, then run again"
            )
        time.sleep(pause)
        pause = min(LONGEST_SECONDS, pause * 1.5)
