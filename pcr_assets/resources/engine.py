"""What makes the pieces of a long step, a card set at a time, and where.

A task is a function of a module: it takes a request and a :class:`Place`, reads from the store, writes to it ahead
(:mod:`pcr_assets.resources.ahead`), and gives what it made. Requests and what is made are small: names, digests, keys in
the store. A task that was made before is found, not made again, so that it can be tried twice without harm.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from pcr_assets.resources.store import Store, open_store

Request = TypeVar("Request")
Made = TypeVar("Made")


class EngineError(Exception):
    """An engine can't be used, or a task failed on it; the message says what to do about it."""


class Place:
    """Where a task works: a scratch folder, the threads that it may use (all cores by default), and opened stores."""

    def __init__(self, folder: Path, threads: int | None = None, stores: dict[str, Store] | None = None):
        self.folder = folder
        self.threads = threads or len(os.sched_getaffinity(0))
        self._stores = {} if stores is None else stores

    def open(self, root: str) -> Store:
        """The store of a folder or URL, opened once: what one has learned of its server serves all tasks of the place."""
        return self._stores.setdefault(root, open_store(root))


class Engine(Protocol):
    """What makes the pieces of a step."""

    def each(self, task: Callable[[Request, Place], Made], requests: Sequence[Request], folder: Path) -> Iterator[Made]:
        """What ``task`` makes of each request, in their order. ``folder`` is scratch for the whole step."""


class Here:
    """One piece after the other in this process; a task works on all cores."""

    def each(self, task: Callable[[Request, Place], Made], requests: Sequence[Request], folder: Path) -> Iterator[Made]:
        """See :meth:`Engine.each`. Errors of the task come out as they are."""
        place = Place(folder)
        return (task(request, place) for request in requests)
