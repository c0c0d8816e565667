"""Reading that goes on where it was cut, for publishers across a network."""

import time
from collections.abc import Callable, Iterator

from edge_runtime.releases.refusals import Unreachable

CONNECT_SECONDS, SILENCE_SECONDS = 10.0, 30.0
TRIES = 5
BACKOFF = 0.5
"""Seconds before the second try; doubled for each further one."""


def resumed(
    place: str,
    start: int,
    body: Callable[[int], Iterator[bytes]],
    cut: tuple[type[Exception], ...],
    reason: Callable[[Exception], str] = str,
) -> Iterator[bytes]:
    """The pieces of a file from ``start`` on. ``body`` gives them from a byte on, once; ``cut`` is what it raises where it is cut.

    Raises :class:`Unreachable` where it is cut again and again.
    """
    at, fault = start, ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(BACKOFF * 2 ** (attempt - 1))
        try:
            for piece in body(at):
                at += len(piece)
                yield piece
            return
        except cut as error:
            fault = reason(error)
    raise Unreachable(
        f"{place} breaks off {TRIES} times after {at} bytes ({fault}): look after the network, then pull again"
    )
