"""Waiting for what AWS does in its own time, and for what it has done but does not tell everybody yet."""

from collections.abc import Callable
from typing import TypeVar, cast

from tenacity import RetryError, Retrying, retry_if_exception, retry_if_result, stop_before_delay, wait_exponential

from pcr_assets.cloud.clients import CloudError, will_pass

T = TypeVar("T")
FIRST_SECONDS, LONGEST_SECONDS = 2.0, 30.0


def until(look: Callable[[], T | None], what: str, seconds: float) -> T:
    """Look until there is something, with growing pauses; gives it. Raises CloudError after ``seconds``.

    A look that fails because AWS is busy or the network is away is only a look that saw nothing; raises what else boto3 raises.
    """
    looking = Retrying(
        retry=retry_if_result(lambda found: found is None) | retry_if_exception(will_pass),
        wait=wait_exponential(FIRST_SECONDS, max=LONGEST_SECONDS, exp_base=1.5),
        stop=stop_before_delay(seconds),
        reraise=True,
    )
    try:
        return cast(T, looking(look))
    except RetryError as error:
        raise CloudError(
            f"{what} took longer than {seconds / 60:.0f} minutes: look at it in the console, then run again"
        ) from error
