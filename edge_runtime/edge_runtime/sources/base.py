"""What every source of frames gives."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np


class SourceError(RuntimeError):
    """There is nothing to read frames from; the message says why and what to do."""


@dataclass(frozen=True)
class Frame:
    """One picture.

    ``image``: uint8 RGB H×W×3. ``time``: seconds that never run backwards, of a clock without a meaning of its own for a
    camera, from the start of a file. ``number``: the source's own count, from 0; a gap is frames that were not given.
    """

    image: np.ndarray = field(compare=False)
    time: float
    number: int


class Source(Protocol):
    """Frames to iterate over, once; closed by leaving ``with``, or by ``close``."""

    name: str
    live: bool
    damaged: int
    """Frames that could not be read and were left out."""
    lost: bool
    """Whether it is a camera that is waited for."""

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Let go of the camera or file. Safe to call twice."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


class Closing:
    """``with`` for a source that is never lost."""

    lost = False

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
