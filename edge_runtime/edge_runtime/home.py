"""Where a device keeps what it pulled: one home for each source.

``releases/`` holds whole releases and ``latest.json``, the pointer to the one that is served; ``lists/`` which parts their
files are made of; ``incoming/`` what an unfinished pull has fetched so far. What two releases share is on the disk once.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_runtime.release import ReleaseError, read_pointer

ASIDE = ".aside"
"""What is unfinished ends so."""


class Home:
    """The folders of one home."""

    def __init__(self, folder: Path):
        self.folder = Path(folder).absolute()
        self.releases = self.folder / "releases"
        self.incoming = self.folder / "incoming"
        self.lists = self.folder / "lists"

    @property
    def pointer(self) -> bytes | None:
        """The bytes of the pointer, None before the first pull."""
        try:
            return (self.releases / "latest.json").read_bytes()
        except FileNotFoundError:
            return None

    @property
    def served(self) -> str | None:
        """The id of the release that is served, if there is one."""
        try:
            return read_pointer(self.pointer or b"", self.releases)[0]
        except ReleaseError:
            return None

    def kept(self) -> list[Path]:
        """The folders of all releases that are here, the served one first."""
        folders = [path for path in self.releases.glob("*") if path.is_dir() and path.suffix != ASIDE]
        return sorted(folders, key=lambda path: (path.name != self.served, path.name))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One pull at a time: another one waits. The kernel ends the lock with the process."""
        for folder in (self.releases, self.incoming, self.lists):
            folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def publish(self, aside: Path, folder: Path, pointer: bytes) -> None:
        """Put a finished release in its place, then move the pointer to it. A power cut leaves the old pointer or the new one."""
        flush(aside)
        if folder.exists():  # it was damaged: the pointer never led to a place without a release
            shutil.rmtree(folder.with_name(f".{folder.name}{ASIDE}"), ignore_errors=True)
            folder.rename(folder.with_name(f".{folder.name}{ASIDE}"))
        aside.rename(folder)
        flush(self.releases)
        with tempfile.NamedTemporaryFile(dir=self.releases, prefix=".aside-", delete=False) as file:
            file.write(pointer)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self.releases / "latest.json")
        flush(self.releases)

    def tidy(self, releases: Collection[str], lists: Collection[str]) -> None:
        """Keep these releases and lists, and nothing of what pulls left over."""
        for path in self.releases.iterdir():
            if path.is_dir() and path.name not in releases:
                shutil.rmtree(path)
            elif path.name.startswith(".aside-"):
                path.unlink()
        for path in (*self.incoming.iterdir(), *(path for path in self.lists.iterdir() if path.name not in lists)):
            path.unlink()


def flush(folder: Path) -> None:
    """See to it that the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def home_of(place: str) -> Path:
    """The home for what is pulled from a place, where none is named: in this user's cache, by the place's name."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return cache / "edge-runtime" / hashlib.sha256(place.encode()).hexdigest()[:16]
