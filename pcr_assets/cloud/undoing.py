"""Removing again what a call has made, where the call fails or is interrupted: at AWS, what is forgotten is paid for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pcr_assets.cloud.clients import CloudError

Undo = list[tuple[str, Callable[[], Any]]]
"""What was made, in words, and how it is removed. Whatever a lost answer may have made is noted before it is asked for."""


@contextmanager
def undone() -> Iterator[Undo]:
    """Where the block fails, or is interrupted, what it noted is removed, the last first: that stands on what came before.

    A removal that fails ends it with a CloudError that names all that is left.
    """
    undo: Undo = []
    try:
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


def _in_words(error: BaseException) -> str:
    """What an error says; Ctrl-C says nothing, so it is called by its name."""
    return str(error) or type(error).__name__
