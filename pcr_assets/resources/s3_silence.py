"""A server that takes connections and says nothing, or doesn't take them: its requests are sent anew for minutes.

That is told meanwhile. And who asks the same server next hears at once that it is silent: a refresh asks for many things one
after the other, and waited as long for each of them.
"""

import logging
import math
import time
from functools import lru_cache
from typing import Any

log = logging.getLogger(__name__)

REMEMBERED_SECONDS = 60
"""For so long nobody asks a server that was silent."""


class Silence:
    """What is known of one server's silence, by all of its clients and their threads."""

    def __init__(self, server: str):
        self.server = server
        self._answered = self._told = self._given_up = -math.inf

    def heed(self, client: Any, tries: int, seconds: float) -> None:
        """Let a client, which sends each request so often and waits so long each time, tell of the silence and go by it."""

        def hear(response: Any, attempts: int, caught_exception: Any, **_: Any) -> None:
            if response is not None:
                self._answered = time.monotonic()
            elif _is_silence(caught_exception):
                self._note(attempts, tries, seconds)

        def refuse(**_: Any) -> None:
            from botocore.exceptions import ReadTimeoutError

            if self._answered < self._given_up and time.monotonic() - self._given_up < REMEMBERED_SECONDS:
                raise ReadTimeoutError(endpoint_url=self.server)

        client.meta.events.register("needs-retry.s3", hear)
        client.meta.events.register("before-call.s3", refuse)

    def _note(self, attempts: int, tries: int, seconds: float) -> None:
        now = time.monotonic()
        if now - self._answered < seconds:
            return  # others were answered meanwhile: it is this request alone
        if attempts >= tries:
            self._given_up = now
        elif now - self._told > seconds / 2:  # once for all requests that wait side by side
            self._told = now
            again = f"it is asked again, {attempts + 1} of {tries} times"
            log.warning("S3 at %s does not answer: %s", self.server, again)


@lru_cache(maxsize=64)
def silence_of(server: str) -> Silence:
    """The one of a server, by its address."""
    return Silence(server)


def _is_silence(error: Any) -> bool:
    from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

    return isinstance(error, (ConnectTimeoutError, ReadTimeoutError))
