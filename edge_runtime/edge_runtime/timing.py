"""Where the time of a frame goes: functions that are a part of recognising are marked here, a stopwatch adds up.

>>> with Stopwatch() as watch:                                            # doctest: +SKIP
...     recognizer.recognize(frame)
>>> watch.spent                                                           # doctest: +SKIP
{'find': 0.031, 'rectify': 0.002, 'embed': 0.008, 'search': 0.003}

Without a stopwatch in its thread, a marked function costs one look at a thread's own variable.
"""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import ParamSpec, Self, TypeVar

Given = ParamSpec("Given")
Made = TypeVar("Made")

PARTS = ("find", "filter", "rectify", "embed", "search", "look", "judge")
"""What is marked. ``look`` is the second look, ``judge`` what is decided beside it."""

_here = threading.local()


class Stopwatch:
    """Seconds by part, for this thread, of a ``clock``: wall clock by default. Each moment counts once: for the innermost part."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.spent: dict[str, float] = {}
        self._inside: list[float] = []

    def __enter__(self) -> Self:
        self._before = getattr(_here, "watch", None)
        _here.watch = self
        return self

    def __exit__(self, *_: object) -> None:
        _here.watch = self._before

    def time(self, part: str, work: Callable[[], Made]) -> Made:
        """Do the work, and count its time for a part."""
        self._inside.append(0.0)
        start = self._clock()
        try:
            return work()
        finally:
            taken = self._clock() - start
            self.spent[part] = self.spent.get(part, 0.0) + taken - self._inside.pop()
            if self._inside:
                self._inside[-1] += taken


def timed(part: str) -> Callable[[Callable[Given, Made]], Callable[Given, Made]]:
    """Mark a function as a part of recognising."""

    def mark(work: Callable[Given, Made]) -> Callable[Given, Made]:
        @wraps(work)
        def call(*args: Given.args, **kwargs: Given.kwargs) -> Made:
            watch: Stopwatch | None = getattr(_here, "watch", None)
            if watch is None:
                return work(*args, **kwargs)
            return watch.time(part, lambda: work(*args, **kwargs))

        return call

    return mark


def timed_steps(part: str) -> Callable[[Callable[Given, Iterator[Made]]], Callable[Given, Iterator[Made]]]:
    """Mark a function that gives its work in steps: each step is a part of recognising, what is done between them is not."""

    def mark(work: Callable[Given, Iterator[Made]]) -> Callable[Given, Iterator[Made]]:
        @wraps(work)
        def call(*args: Given.args, **kwargs: Given.kwargs) -> Iterator[Made]:
            step = timed(part)(partial(next, work(*args, **kwargs)))
            while True:
                try:
                    made = step()
                except StopIteration:
                    return
                yield made

        return call

    return mark
