"""Removing again what a call has made, where the call fails or is interrupted: at AWS, what is forgotten is paid for."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pcr_assets.cloud.clients import CloudError

Undo = list[tuple[str, Callable[[], Any]]]
"""What was made, in words, and how it is removed. Whatever a lost answer may have made is noted before it is asked for."""


@contextmanager
def undone() -> Iterator[Undo]:
    """Where the block fails, or is interrupted, what it noted is removed, the last first: that stands on what came before.

    SIGTERM (``docker stop``, a cancelled pipeline) interrupts it as Ctrl-C does, where nobody else listens to that. A removal
    that fails ends it with a CloudError that names all that is left.
    """
    undo: Undo = []
    try:
        with _ended_as_interrupted():
            yield undo
    except BaseException as error:
        while undo:
            try:
                undo[-1][1]()
            except BaseException as failed:
                left = ", ".join(what for what, _ in reversed(undo))
                raise CloudError(
                    f"{_in_words(error)}; and this is left, and may cost money: {left} ({_in_words(failed)})"
                ) from error
            undo.pop()
        raise


@contextmanager
def _ended_as_interrupted() -> Iterator[None]:
    free = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL  # a run of Dagster's has a handler of its own
    if not free or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _in_words(error: BaseException) -> str:
    """What an error says; Ctrl-C says nothing, so it is called by its name."""
    return str(error) or type(error).__name__
