"""Many pieces of work at once: results come in order, and never far ahead of whoever takes them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def side_by_side(work: Callable[[Given], Made], given: Iterable[Given], threads: int) -> Iterator[Made]:
    """What ``work`` makes of each thing, in the order of the things, made in ``threads`` threads.

    At most ``2 * threads`` results are under way or wait to be taken, so memory doesn't grow with the number of things. An
    error comes out in its place, and nothing more is begun after it.
    """
    ahead: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for thing in given:
                ahead.append(pool.submit(work, thing))
                if len(ahead) == 2 * threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
