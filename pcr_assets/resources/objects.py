"""What a store is: objects under keys, what can go wrong with them, and which keys there can be."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

LONGEST_KEY = 1024
LONGEST_PART = 255
"""Bytes of a whole key, prefix included, that S3 takes; and of one part of it that file systems take."""


class StoreError(Exception):
    """A store can't do what was asked; the message says what to do about it."""


class Missing(StoreError):
    """No object lies under this key."""


class Shut(StoreError):
    """An object may not be read, while others may. ``reason``: why, and the cure, without its name."""

    def __init__(self, said: str, reason: str = "it may not be read: mend its rights"):
        super().__init__(said)
        self.reason = reason


class Moved(StoreError):
    """Another publisher moved the pointer first; read it again and decide anew."""

    def __init__(self, where: str):
        super().__init__(f"{where} was moved by another publisher: run again, it starts from what is there now")


class Replaced(StoreError):
    """An object is no longer the one that was listed."""

    def __init__(self, where: str):
        super().__init__(f"{where} was replaced after it was listed: run again, it starts from what is there now")


class Damaged(StoreError):
    """What was read is not what was published."""

    def __init__(self, where: str):
        super().__init__(f"{where} is not the file that was published: delete it, then `make refresh` builds it again")


@dataclass(frozen=True, order=True)
class Entry:
    """One listed object: key relative to the store's root, size in bytes, and an etag that changes with the content.

    ``modified``: when it was written, in seconds since 1970, where the store tells.
    """

    key: str
    size: int
    etag: str
    modified: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Unfinished:
    """What a writer has begun and no listing shows: a file aside, or an upload in parts; ``token`` tells the store which.

    ``modified``: when it was begun, or last written to, in seconds since 1970.
    """

    key: str
    size: int
    modified: float
    token: str = ""


Span = tuple[str, str | None]
"""Keys above the first and up to the second, or to the end."""
Spans = list[Span]


def always() -> bool:
    """Yes."""
    return True


class Store(Protocol):
    """Objects under keys: posix paths relative to :attr:`root`."""

    root: str

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """The objects below ``prefix``, in the order of their keys. What is hidden below it, by a dot, is left out. A key
        that ends in ``/`` is a folder's marker: an empty folder on a disk, or what S3 consoles leave where one was made."""

    def list_unordered(
        self, prefix: str = "", left: Spans | None = None, more: Callable[[], bool] = always
    ) -> Iterator[Entry]:
        """The entries of :meth:`list` in any order, in memory that doesn't grow with their number where the store can.

        ``prefix`` is the beginning of keys here: ``base1-`` as well as ``base1/``. For a listing that takes long: ``left`` are the
        spans of keys to list (``[("", None)]``: all), and ``more`` is asked before each page. In the end ``left`` holds the
        spans that were not listed; give it to another call to go on.
        """

    def size(self, key: str) -> int | None:
        """The size of an object in bytes, or None where there is none."""

    def read(self, key: str, etag: str | None = None) -> bytes:
        """An object's bytes. Raises :class:`Missing`, :class:`Shut`, and :class:`Replaced` when it has another etag than the
        given one."""

    def read_many(self, entries: Iterable[Entry]) -> Iterator[bytes | Missing | Shut]:
        """The bytes of listed objects in their order, several read at once, in memory that doesn't grow with their number.

        In the place of an object that is gone, or that alone may not be read, stands the error. Raises :class:`Replaced`.
        """

    def fetch(self, key: str, sha256: str | None = None) -> Path:
        """A local file with an object's bytes: read it, never write it. Nothing is held in memory.

        Raises :class:`Missing`, and :class:`Damaged` when its SHA-256 (hex) is not the given one.
        """

    def fetch_many(self, entries: Iterable[Entry]) -> Iterator[Path | Missing | Shut]:
        """Local files of listed objects in their order, several fetched at once. In the place of an object that is gone, or that
        alone may not be read, stands the error. Raises :class:`Replaced`."""

    def write(self, key: str, data: bytes | Path) -> None:
        """Write an object whole, replacing what lies there in one step."""

    def create(self, key: str, data: bytes | Path) -> bool:
        """Write an object whole if none lies there; False when one does, and it stays.

        Of several at the same moment one wins, if the object is small: not every S3 server sees to that at the end of an
        upload in parts.
        """

    def swap(self, key: str, data: bytes, expected: bytes | None) -> None:
        """Replace a pointer if it still holds ``expected`` (None: if there is none). Raises :class:`Moved`."""

    def remove(self, key: str) -> None:
        """Remove an object, if there is one."""

    def remove_many(self, keys: Iterable[str]) -> None:
        """Remove objects, many at once, in no order."""

    def unfinished(self, prefix: str = "") -> Iterator[Unfinished]:
        """What writers below ``prefix`` have begun and not ended: they are at work, or were killed."""

    def drop(self, unfinished: Unfinished) -> None:
        """Remove what a writer has begun. Its bytes are gone; a writer that is still at work fails."""


def unread(source: object, error: OSError) -> StoreError:
    """What is told of a file that was to be written into a store and can't be read."""
    return StoreError(f"could not read {source}, to put it into the store: {error.strerror}. Rerun makes it anew")


def spelled(key: str) -> str:
    """A key as text. A disk's may be none, in a folder that came from an older system: its bytes are spelled out then."""
    return key.encode(errors="backslashreplace").decode()


def checked(key: str, root: str, prefix: int = 0) -> str:
    """A key that any store can keep; ``prefix`` counts the bytes that go before it. Raises StoreError."""
    parts = key.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in key:
        raise StoreError(
            f"'{key}' is no key inside the store {root}: keys are relative and hold no '..' and no empty part"
        )
    if prefix + _bytes(key) > LONGEST_KEY or any(_bytes(part) > LONGEST_PART for part in parts):
        raise StoreError(
            f"'{key[:40]}…' is too long for a key in {root}: at most {LONGEST_PART} bytes between two slashes and "
            f"{LONGEST_KEY} in all. Give shorter names"
        )
    return key


def _bytes(text: str) -> int:
    """Its length in UTF-8, or that of a disk's bytes that are none."""
    return len(text.encode(errors="surrogateescape"))
