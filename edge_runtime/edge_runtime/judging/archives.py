"""Entries of many ZIP archives by number, without an object for each: a gallery has tens of thousands.

Python's zipfile keeps half a kilobyte for each entry. Here it reads an archive's directory once; what is kept is where each
entry lies, in rows of 22 bytes. Entries are stored, not deflated: pictures don't shrink any more.
"""

import errno
import os
import resource
import struct
import weakref
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

MAGIC = b"PK\x03\x04"
LOCAL = struct.Struct("<4s22xHH")
"""The header before an entry's bytes, up to the lengths of its name and extra field (APPNOTE.TXT 4.3.7)."""
ROW = np.dtype([("key", "<u8"), ("archive", "<u2"), ("offset", "<u4"), ("size", "<u4"), ("crc", "<u4")])

NO_ARCHIVE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EINVAL}
"""What the system says of a file that is away or senseless. Whatever else it says is of rights, limits or a disk."""
OTHER_FILES = 1024
"""Open files for everything but archives: what a process may have as most systems start it."""


class BadArchive(ValueError):
    """A file is no archive of stored entries, or not any more."""

    def __init__(self, path: Path):
        super().__init__(f"{path} is no archive of stored entries")
        self.path = path


class Archives:
    """Entries that are called ``0123456789abcdef`` and one of ``suffixes``, of all archives; those of later ones win.

    Reads from any thread at once. All stay open, so that a release that is removed meanwhile can still be read. Raises
    :class:`BadArchive`, and OSError with the archive's name where the system lets nobody read it: its rights, too many open
    files, a disk that fails.
    """

    def __init__(self, archives: Sequence[Path], suffixes: Sequence[str]):
        self._paths = list(archives)
        _allow(OTHER_FILES + 2 * len(self._paths))  # two releases are open while one takes over from the other
        self._files: list[int] = []
        weakref.finalize(self, _close, self._files)
        found: dict[str, list[np.ndarray]] = {suffix: [np.empty(0, ROW)] for suffix in suffixes}
        for number, path in enumerate(self._paths):
            for suffix, rows in _directory(path, number, suffixes).items():
                found[suffix].append(rows)
            with _named(path):
                self._files.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        self._entries = {suffix: _sorted(np.concatenate(rows)) for suffix, rows in found.items()}

    def has(self, key: int, suffix: str) -> bool:
        """Whether there is such an entry."""
        return self._row(key, suffix) is not None

    def held(self, keys: Sequence[int], suffix: str) -> list[int]:
        """Those of the keys that have such an entry, in their order: of many at once, as asking for each takes its time."""
        asked = np.array(keys, np.uint64)
        held: list[int] = asked[np.isin(asked, self._entries[suffix]["key"])].tolist()
        return held

    def read(self, key: int, suffix: str) -> bytes:
        """An entry's bytes. Raises KeyError where there is none, BadArchive for one that rotted, OSError for a disk that fails."""
        row = self._row(key, suffix)
        if row is None:
            raise KeyError(f"{key:016x}{suffix}")
        file, offset, size = self._files[row["archive"]], int(row["offset"]), int(row["size"])
        path = self._paths[row["archive"]]
        with _named(path):
            head = os.pread(file, LOCAL.size, offset)
            if len(head) == LOCAL.size and head[:4] == MAGIC:
                _, name, extra = LOCAL.unpack(head)
                data = os.pread(file, size, offset + LOCAL.size + name + extra)
                if zlib.crc32(data) == row["crc"]:
                    return data
        raise BadArchive(path)

    def _row(self, key: int, suffix: str) -> np.void | None:
        entries = self._entries[suffix]
        at = int(np.searchsorted(entries["key"], np.uint64(key), side="right")) - 1
        return entries[at] if at >= 0 and int(entries[at]["key"]) == key else None


def _allow(files: int) -> None:
    """Let this process open so many files, as far as it may: a gallery of a thousand sets needs more than the usual 1,024."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != now < files:
        allowed = files if most == resource.RLIM_INFINITY else min(files, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


def _directory(path: Path, number: int, suffixes: Sequence[str]) -> dict[str, np.ndarray]:
    """Where the entries of one archive lie, by their suffix."""
    rows: dict[str, list[tuple[int, ...]]] = {suffix: [] for suffix in suffixes}
    try:
        with _named(path), zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                name, suffix = entry.filename[:16], entry.filename[16:]
                if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                    raise BadArchive(path)
                if suffix in rows:
                    rows[suffix].append((int(name, 16), number, entry.header_offset, entry.file_size, entry.CRC))
        return {suffix: np.array(found, ROW) for suffix, found in rows.items()}
    except (zipfile.BadZipFile, ValueError, OverflowError) as error:
        raise BadArchive(path) from error


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What the system says in the block names the file; where there is none, it is a BadArchive."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ARCHIVE:
            raise BadArchive(path) from error
        raise OSError(error.errno, error.strerror, str(path)) from error


def _sorted(rows: np.ndarray) -> np.ndarray:
    return rows[np.argsort(rows["key"], kind="stable")]


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)
