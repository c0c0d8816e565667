"""Where artifacts live: a folder or ``s3://bucket/prefix``, behind one small interface. No other module asks which.

Objects are written aside and appear whole or not at all. Only pointers (``current.json``, ``latest.json``) are ever
replaced, and only by :meth:`Store.swap`, which refuses when somebody else moved the pointer first.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pcr_assets"


class StoreError(Exception):
    """A store can't do what was asked; the message says what to do about it."""


class Missing(StoreError):
    """No object lies under this key."""


class Moved(StoreError):
    """Another publisher moved the pointer first; read it again and decide anew."""

    def __init__(self, where: str):
        super().__init__(f"{where} was moved by another publisher: run again, it starts from what is there now")


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

    def read(self, key: str) -> bytes:
        """An object's bytes. Raises :class:`Missing`."""

    def fetch(self, key: str) -> Path:
        """A local file with an object's bytes: read it, never write it. Raises :class:`Missing`."""

    def write(self, key: str, data: bytes | Path) -> None:
        """Write an object whole, replacing what lies there in one step."""

    def swap(self, key: str, data: bytes, expected: bytes | None) -> None:
        """Replace a pointer if it still holds ``expected`` (None: if there is none). Raises :class:`Moved`."""

    def remove(self, key: str) -> None:
        """Remove an object, if there is one."""


def open_store(root: str, **s3_options: str | None) -> Store:
    """A store for a folder's path or an ``s3://bucket/prefix`` URL, with S3Store's options for the latter."""
    if root.startswith("s3://"):
        from pcr_assets.resources.s3_store import S3Store

        return S3Store(root, **s3_options)
    return FolderStore(root)


class FolderStore:
    """A folder on this machine. Writes are flushed, then renamed into place."""

    def __init__(self, root: str):
        self.root = str(Path(root).expanduser().absolute())

    def _path(self, key: str) -> Path:
        path = Path(self.root, key)
        if not key or ".." in path.parts or Path(key).is_absolute():
            raise StoreError(f"'{key}' is no key inside the store {self.root}: keys are relative and hold no '..'")
        return path

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
                found.append(Entry(key, stat.st_size, f"{stat.st_size:x}-{stat.st_mtime_ns:x}", stat.st_mtime))
        return iter(sorted(found))

    def size(self, key: str) -> int | None:
        """See :meth:`Store.size`."""
        try:
            return self._path(key).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, key: str) -> bytes:
        """See :meth:`Store.read`."""
        return self.fetch(key).read_bytes()

    def fetch(self, key: str) -> Path:
        """See :meth:`Store.fetch`. The file is the object itself."""
        path = self._path(key)
        if not path.is_file():
            raise Missing(f"{path} does not exist")
        return path

    def write(self, key: str, data: bytes | Path) -> None:
        """See :meth:`Store.write`."""
        self._replace(self._path(key), data)

    def swap(self, key: str, data: bytes, expected: bytes | None) -> None:
        """See :meth:`Store.swap`. A lock file makes compare and replace one step for all processes of this machine."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _Locked(path.with_name(f".{path.name}.lock")):
            found = path.read_bytes() if path.exists() else None
            if found != expected:
                raise Moved(str(path))
            self._replace(path, data)

    def remove(self, key: str) -> None:
        """See :meth:`Store.remove`. A folder that is empty then goes too."""
        path = self._path(key)
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()

    def _replace(self, path: Path, data: bytes | Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".aside-")
            try:
                with os.fdopen(handle, "wb") as file:
                    if isinstance(data, bytes):
                        file.write(data)
                    else:
                        with data.open("rb") as source:
                            shutil.copyfileobj(source, file, 1 << 20)
                    file.flush()
                    os.fsync(file.fileno())
                Path(aside).chmod(0o644)
                Path(aside).replace(path)
            finally:
                Path(aside).unlink(missing_ok=True)
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


def cache_file(*identity: str) -> Path:
    """Where a download of the object with this identity is kept on this machine."""
    return CACHE / hashlib.sha256("\0".join(identity).encode()).hexdigest()
