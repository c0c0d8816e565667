"""A folder of this machine as a store. Writes are made aside, flushed, then renamed into place."""

import errno
import fcntl
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from operator import attrgetter
from pathlib import Path
from typing import IO

from pcr_assets import digests
from pcr_assets.resources.objects import (
    Damaged,
    Entry,
    Missing,
    Moved,
    Replaced,
    Shut,
    Spans,
    StoreError,
    Unfinished,
    always,
    checked,
    unread,
)
from pcr_assets.resources.side_by_side import side_by_side

READERS = 4
ASIDE = ".aside-"
OF_THE_DISK = "lost+found"
"""Where a disk is mounted lies such a folder, which none but root may list."""
FOLDER_TRIES = 5
"""A folder that became empty may be removed while it is looked for, and between its making and the first file in it."""


class FolderStore:
    """A folder on this machine. Writes are flushed, then renamed into place."""

    def __init__(self, root: str):
        self.root = str(Path(root).expanduser().absolute())

    def _path(self, key: str) -> Path:
        return Path(self.root, checked(key, self.root))

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """See :meth:`Store.list`. The etag is made of size and modification time: listing reads no content.

        Links are followed, but for one to a folder that it lies in. Raises StoreError for a folder that can't be listed: what is
        in it would count as deleted.
        """
        base = self._path(prefix) if prefix else Path(self.root)
        found = []
        for folder, subfolders, names in os.walk(base, onerror=_unlisted, followlinks=True):
            subfolders[:] = [
                name
                for name in subfolders
                if not name.startswith(".") and name != OF_THE_DISK and not _leads_back(f"{folder}/{name}")
            ]
            shown = [name for name in names if not name.startswith(".")]
            below = folder[len(self.root) :].strip(os.sep)  # text, not paths: a store may hold ten thousand files
            if not subfolders and not shown and below:
                found.append(Entry(f"{below}/", 0, ""))
            for name in shown:
                try:
                    stat = os.stat(f"{folder}/{name}")  # noqa: PTH116  # a Path for each file takes longer than this
                except OSError as error:
                    _unlisted(error)
                    continue
                key = f"{below}/{name}" if below else name
                found.append(Entry(key, stat.st_size, _etag(stat), stat.st_mtime))
        return iter(sorted(found, key=attrgetter("key")))

    def list_unordered(
        self, prefix: str = "", left: Spans | None = None, more: Callable[[], bool] = always
    ) -> Iterator[Entry]:
        """See :meth:`Store.list_unordered`. A folder is listed at one go."""
        folder = prefix.rpartition("/")[0]
        yield from (entry for entry in self.list(folder) if entry.key.startswith(prefix))
        if left is not None:
            left.clear()

    def size(self, key: str) -> int | None:
        """See :meth:`Store.size`."""
        try:
            return self._path(key).stat().st_size
        except OSError as error:
            _unlisted(error)
            return None

    def read(self, key: str, etag: str | None = None) -> bytes:
        """See :meth:`Store.read`."""
        path = self.fetch(key)
        with _reading(path), path.open("rb") as file:
            data = file.read()
            if etag and _etag(os.fstat(file.fileno())) != etag:
                raise Replaced(str(path))
        return data

    def read_many(self, entries: Iterable[Entry]) -> Iterator[bytes | Missing | Shut]:
        """See :meth:`Store.read_many`."""

        def read(entry: Entry) -> bytes | Missing | Shut:
            try:
                return self.read(entry.key, entry.etag)
            except (Missing, Shut) as error:
                return error

        return side_by_side(read, entries, READERS)

    def fetch(self, key: str, sha256: str | None = None) -> Path:
        """See :meth:`Store.fetch`. The file is the object itself."""
        path = self._path(key)
        with _reading(path):
            if not path.is_file():
                raise Missing(f"{path} does not exist")
            if sha256 and digests.of_file(path) != sha256:
                raise Damaged(str(path))
        return path

    def fetch_many(self, entries: Iterable[Entry]) -> Iterator[Path | Missing | Shut]:
        """See :meth:`Store.fetch_many`. Whether a file may be read, whoever opens it finds out."""
        for entry in entries:
            try:
                path = self.fetch(entry.key)
                with _reading(path):
                    etag = _etag(path.stat())
            except (Missing, Shut) as error:
                yield error
                continue
            if etag != entry.etag:
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
                if path.exists():  # it may have taken minutes to write aside
                    return False
                aside.replace(path)
        return True

    def swap(self, key: str, data: bytes, expected: bytes | None) -> None:
        """See :meth:`Store.swap`. A lock file makes compare and replace one step for all processes of this machine."""
        path = self._path(key)
        with _writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.with_name(f".{path.name}.lock").open("a")
        with _locked(lock):
            try:
                found = self.read(key)
            except Missing:
                found = None
            if found != expected:
                raise Moved(str(path))
            self.write(key, data)

    def remove(self, key: str) -> None:
        """See :meth:`Store.remove`. A folder that is empty then goes too."""
        path = self._path(key)
        with _writing(path, "remove"), suppress(NotADirectoryError):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()

    def remove_many(self, keys: Iterable[str]) -> None:
        """See :meth:`Store.remove_many`."""
        for key in keys:
            self.remove(key)

    def unfinished(self, prefix: str = "") -> Iterator[Unfinished]:
        """See :meth:`Store.unfinished`."""
        for folder, _, names in os.walk(self._path(prefix) if prefix else self.root):
            for name in names:
                if name.startswith(ASIDE):
                    path = Path(folder, name)
                    with suppress(FileNotFoundError):  # its writer has ended it
                        stat = path.stat()
                        yield Unfinished(path.relative_to(self.root).as_posix(), stat.st_size, stat.st_mtime)

    def drop(self, unfinished: Unfinished) -> None:
        """See :meth:`Store.drop`."""
        self.remove(unfinished.key)


def _unlisted(error: OSError) -> None:
    """Pass over what was removed since, and links to nowhere or to themselves. Raises StoreError for what is there."""
    if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
        raise StoreError(
            f"could not list {error.filename}: {error.strerror}. Mend the rights or look after that disk, then rerun"
        ) from error


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:  # removed since it was looked for
        raise Missing(f"{path} does not exist") from error
    except PermissionError as error:
        raise Shut(f"{path} may not be read: mend its rights") from error
    except OSError as error:
        raise StoreError(f"could not read {path}: {error.strerror}. Look after that disk, then rerun") from error


def _leads_back(folder: str) -> bool:
    """Whether a folder is a link to one that it lies in: to list it would never end."""
    if not os.path.islink(folder):  # noqa: PTH114  # asked of each folder
        return False
    return any(Path(folder).samefile(above) for above in Path(folder).parents)


def _etag(stat: os.stat_result) -> str:
    return f"{stat.st_size:x}-{stat.st_mtime_ns:x}"


@contextmanager
def _aside(path: Path, data: bytes | Path) -> Iterator[Path]:
    """A hidden file beside ``path`` with all of ``data``, flushed to the disk; gone after the block unless it was renamed."""
    with _opened(data) as source, _writing(path):
        handle, aside = opened_aside(path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
            aside.chmod(0o644)
            yield aside
        finally:
            aside.unlink(missing_ok=True)


def _opened(data: bytes | Path) -> IO[bytes]:
    """What is to be written, open for reading."""
    if isinstance(data, bytes):
        return io.BytesIO(data)
    try:
        return data.open("rb")
    except OSError as error:
        raise unread(data, error) from error


@contextmanager
def _writing(path: Path, what: str = "write") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"could not {what} {path}: {error.strerror}. Free space or mend the rights, then rerun"
        ) from error


def opened_aside(folder: Path) -> tuple[int, Path]:
    """A new hidden file, open for writing, in a folder that is made if need be."""
    for left in reversed(range(FOLDER_TRIES)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=folder, prefix=ASIDE)
        except (FileNotFoundError, FileExistsError):
            if not left:
                raise
        else:
            return handle, Path(name)
    raise AssertionError("the last try returns or raises")


@contextmanager
def _locked(file: IO[str]) -> Iterator[None]:
    """An exclusive advisory lock on an open file, which is closed after the block; the kernel drops it when the process dies."""
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
