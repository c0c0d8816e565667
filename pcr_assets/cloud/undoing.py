"""Removing and stopping again what a call has made, where it fails or is interrupted: at AWS, what is forgotten is paid for."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pcr_assets.cloud.clients import CloudError

Undo = list[tuple[str, Callable[[], Any]]]
"""What was made, in words, and how it is removed. Whatever a lost answer may have made is noted before it is asked for."""
ENDING = (signal.SIGTERM, signal.SIGHUP)
"""What ends a process that listens to neither: ``docker stop``, a cancelled pipeline; a terminal that was closed."""


@contextmanager
def undone() -> Iterator[Undo]:
    """Where the block fails, or is interrupted, what it noted is removed, the last first: that stands on what came before.

    Signals that end a process interrupt it as Ctrl-C does, where nobody else listens to them. A removal that fails ends it with
    a CloudError that names all that is left.
    """
    undo: Undo = []
    try:
        with ended_as_interrupted():
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


def tell(sentence: str) -> None:
    """Say something to whoever reads errors. Nobody does once the terminal is closed: what is being removed must be removed."""
    with suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)


@contextmanager
def ended_as_interrupted() -> Iterator[None]:
    """Within the block, signals that would end this process raise KeyboardInterrupt, where nobody else listens to them."""
    # A run of Dagster's has a handler of its own, and nohup has closed terminals ignored.
    free = [number for number in ENDING if signal.getsignal(number) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        free = []
    for number in free:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in free:
            signal.signal(number, signal.SIG_DFL)


def _in_words(error: BaseException) -> str:
    """What an error says; Ctrl-C says nothing, so it is called by its name."""
    return str(error) or type(error).__name__
