"""Where artifacts live: a folder or ``s3://bucket/prefix``, behind one small interface. No other module asks which.

Objects are written aside and appear whole or not at all. Only pointers (``current.json``, ``latest.json``) are ever
replaced, and only by :meth:`Store.swap`, which refuses when somebody else moved the pointer first.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from pcr_assets import digests
from pcr_assets.resources.side_by_side import side_by_side

LONGEST_KEY = 1024
LONGEST_PART = 255
"""Bytes of a whole key, prefix included, that S3 takes; and of one part of it that file systems take."""
READERS = 4
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pcr_assets"


class StoreError(Exception):
    """A store can't do what was asked; the message says what to do about it."""


class Missing(StoreError):
    """No object lies under this key."""


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


class Store(Protocol):
    """Objects under keys: posix paths relative to :attr:`root`."""

    root: str

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """The objects below ``prefix``, in the order of their keys. A key that ends in ``/`` is a folder's marker: an empty
        folder on a disk, or what S3 consoles leave where a folder was made."""

    def size(self, key: str) -> int | None:
        """The size of an object in bytes, or None where there is none."""

    def read(self, key: str, etag: str | None = None) -> bytes:
        """An object's bytes. Raises :class:`Missing`, and :class:`Replaced` when it has another etag than the given one."""

    def read_many(self, entries: Iterable[Entry]) -> Iterator[bytes | Missing | PermissionError]:
        """The bytes of listed objects in their order, several read at once, in memory that doesn't grow with their number.

        In the place of an object that is gone, or that nobody may read, stands the error. Raises :class:`Replaced`.
        """

    def fetch(self, key: str, sha256: str | None = None) -> Path:
        """A local file with an object's bytes: read it, never write it. Nothing is held in memory.

        Raises :class:`Missing`, and :class:`Damaged` when its SHA-256 (hex) is not the given one.
        """

    def fetch_many(self, entries: Iterable[Entry]) -> Iterator[Path]:
        """Local files of listed objects in their order, several fetched at once. Raises :class:`Replaced`."""

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


def open_store(root: str) -> Store:
    """A store for a folder's path or an ``s3://bucket/prefix`` URL; for the latter, ``PCR_S3_…`` say where the server is."""
    if root.startswith("s3://"):
        from pcr_assets.resources.s3_store import S3Store

        return S3Store(root)
    return FolderStore(root)


def checked(key: str, root: str, prefix: int = 0) -> str:
    """A key that any store can keep; ``prefix`` counts the bytes that go before it. Raises StoreError."""
    parts = key.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in key:
        raise StoreError(
            f"'{key}' is no key inside the store {root}: keys are relative and hold no '..' and no empty part"
        )
    if prefix + len(key.encode()) > LONGEST_KEY or any(len(part.encode()) > LONGEST_PART for part in parts):
        raise StoreError(
            f"'{key[:40]}…' is too long for a key in {root}: at most {LONGEST_PART} bytes between two slashes and "
            f"{LONGEST_KEY} in all. Give shorter names"
        )
    return key


class FolderStore:
    """A folder on this machine. Writes are flushed, then renamed into place."""

    def __init__(self, root: str):
        self.root = str(Path(root).expanduser().absolute())

    def _path(self, key: str) -> Path:
        return Path(self.root, checked(key, self.root))

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """See :meth:`Store.list`. The etag is made of size and modification time: listing reads no content."""
        base = self._path(prefix) if prefix else Path(self.root)
        found = []
        for folder, subfolders, names in os.walk(base):
            subfolders[:] = [name for name in subfolders if not name.startswith(".")]
            shown = [name for name in names if not name.startswith(".")]
            if not subfolders and not shown and Path(folder) != Path(self.root):
                found.append(Entry(f"{Path(folder).relative_to(self.root).as_posix()}/", 0, ""))
            for name in shown:
                path = Path(folder, name)
                try:
                    stat = path.stat()
                except FileNotFoundError:  # removed since, or a link to nowhere
                    continue
                key = path.relative_to(self.root).as_posix()
                found.append(Entry(key, stat.st_size, _etag(stat), stat.st_mtime))
        return iter(sorted(found))

    def size(self, key: str) -> int | None:
        """See :meth:`Store.size`."""
        try:
            return self._path(key).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, key: str, etag: str | None = None) -> bytes:
        """See :meth:`Store.read`."""
        with self.fetch(key).open("rb") as file:
            data = file.read()
            if etag and _etag(os.fstat(file.fileno())) != etag:
                raise Replaced(f"{self.root}/{key}")
        return data

    def read_many(self, entries: Iterable[Entry]) -> Iterator[bytes | Missing | PermissionError]:
        """See :meth:`Store.read_many`."""

        def read(entry: Entry) -> bytes | Missing | PermissionError:
            try:
                return self.read(entry.key, entry.etag)
            except (Missing, PermissionError) as error:
                return error
            except OSError as error:
                raise StoreError(
                    f"could not read {self.root}/{entry.key}: {error.strerror}. Look after that disk, then rerun"
                ) from error

        return side_by_side(read, entries, READERS)

    def fetch(self, key: str, sha256: str | None = None) -> Path:
        """See :meth:`Store.fetch`. The file is the object itself."""
        path = self._path(key)
        if not path.is_file():
            raise Missing(f"{path} does not exist")
        if sha256 and digests.of_file(path) != sha256:
            raise Damaged(str(path))
        return path

    def fetch_many(self, entries: Iterable[Entry]) -> Iterator[Path]:
        """See :meth:`Store.fetch_many`."""
        for entry in entries:
            path = self.fetch(entry.key)
            if _etag(path.stat()) != entry.etag:
                raise Replaced(str(path))
            yield path

    def write(self, key: str, data: bytes | Path) -> None:
        """See :meth:`Store.write`."""
        path = self._path(key)
        with _aside(path, data) as aside:
            aside.replace(path)

    def create(self, key: str, data: bytes | Path) -> bool:
        """See :meth:`Store.create`. A hard link is the one step that refuses a name that is taken."""
        path = self._path(key)
        if path.exists():
            return False
        with _aside(path, data) as aside:
            try:
                path.hardlink_to(aside)
            except FileExistsError:
                return False
            except OSError:  # a file system without hard links: only two publishers within microseconds could tell
                aside.replace(path)
        return True

    def swap(self, key: str, data: bytes, expected: bytes | None) -> None:
        """See :meth:`Store.swap`. A lock file makes compare and replace one step for all processes of this machine."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _Locked(path.with_name(f".{path.name}.lock")):
            found = path.read_bytes() if path.exists() else None
            if found != expected:
                raise Moved(str(path))
            self.write(key, data)

    def remove(self, key: str) -> None:
        """See :meth:`Store.remove`. A folder that is empty then goes too."""
        path = self._path(key)
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()


def _etag(stat: os.stat_result) -> str:
    return f"{stat.st_size:x}-{stat.st_mtime_ns:x}"


@contextmanager
def _aside(path: Path, data: bytes | Path) -> Iterator[Path]:
    """A hidden file beside ``path`` with all of ``data``, flushed to the disk; gone after the block unless it was renamed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".aside-")
        aside = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                if isinstance(data, bytes):
                    file.write(data)
                else:
                    with data.open("rb") as source:
                        shutil.copyfileobj(source, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
            aside.chmod(0o644)
            yield aside
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"could not write {path}: {error.strerror}. Free space or mend the rights, then rerun"
        ) from error


class _Locked:
    """An exclusive advisory lock on a file, held for a ``with`` block; the kernel drops it when the process dies."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self) -> None:
        import fcntl

        self.file = self.path.open("a")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self.file.close()


def cache_file(root: str, key: str, etag: str) -> Path:
    """Where a download of an object is kept on this machine, under the object's own name: readers go by its ending."""
    identity = hashlib.sha256("\0".join((root, key, etag)).encode()).hexdigest()
    return CACHE / identity / PurePosixPath(key).name
