"""Where a device keeps what it pulled: one home for each publisher.

``releases/`` holds whole releases and ``latest.json``, the pointer to the one that is served and to the last good one before
it; ``metadata/`` what was believed of the publisher so far; ``refused.json`` which releases failed on this device; ``lists/``
which parts files are made of; ``incoming/`` what an unfinished pull has fetched. What two releases share is on the disk once.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edge_runtime.disk import ASIDE, flush, read_object, replace
from edge_runtime.releases.release import is_plain_name

MOST_REFUSED = 32
"""Releases that are remembered as bad; older ones are forgotten, and nobody offers them any more."""


@dataclass(frozen=True)
class Kept:
    """A release that a home keeps. ``good``: a service has served well with it."""

    release_id: str
    manifest_sha256: str
    channel: str = "stable"
    good: bool = False

    @classmethod
    def read(cls, said: Any) -> "Kept":
        """Raises KeyError, TypeError and ValueError for what is none."""
        named = said["release_id"], said["manifest_sha256"], said.get("channel", "stable")
        if not all(isinstance(name, str) and is_plain_name(name) for name in named):
            raise ValueError(f"{named} is no release")
        return cls(*named, bool(said.get("good")))


class Home:
    """The folders of one home."""

    def __init__(self, folder: Path):
        self.folder = Path(folder).absolute()
        self.releases = self.folder / "releases"
        self.incoming = self.folder / "incoming"
        self.lists = self.folder / "lists"
        self.metadata = self.folder / "metadata"

    @classmethod
    def of_release(cls, folder: Path) -> "Home | None":
        """The home that a release's folder lies in; None for one that lies elsewhere."""
        home = cls(Path(folder).absolute().parent.parent)
        return home if home.metadata.is_dir() and home.releases == Path(folder).absolute().parent else None

    @property
    def pointer(self) -> Path:
        """The file that names the release that is served; none before the first pull."""
        return self.releases / "latest.json"

    @property
    def served(self) -> Kept | None:
        """The release that is served, if there is one."""
        return self._pointed()[0]

    @property
    def before(self) -> Kept | None:
        """The last good release before that, which a failing one is rolled back to."""
        return self._pointed()[1]

    def _pointed(self) -> tuple[Kept | None, Kept | None]:
        said = read_object(self.pointer)
        return _kept(said), _kept(said.get("before"))

    def kept(self) -> list[Path]:
        """The folders of all releases that are here, the served one first."""
        served = self.served
        folders = [path for path in self.releases.glob("*") if path.is_dir() and path.suffix != ASIDE]
        return sorted(folders, key=lambda path: (served is None or path.name != served.release_id, path.name))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One pull at a time: another one waits. The kernel ends the lock with the process."""
        for folder in (self.releases, self.incoming, self.lists, self.metadata):
            folder.mkdir(parents=True, exist_ok=True)
        with self._locked(".lock"):
            yield

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with (self.folder / name).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def publish(self, aside: Path, new: Kept) -> None:
        """Put a finished release in its place, then move the pointer to it. A power cut leaves the old pointer or the new one."""
        folder = self.releases / new.release_id
        flush(aside)
        if folder.exists():  # the pointer leads there only where it is damaged, and could not be opened either
            shutil.rmtree(folder.with_name(f".{folder.name}{ASIDE}"), ignore_errors=True)
            folder.rename(folder.with_name(f".{folder.name}{ASIDE}"))
        aside.rename(folder)
        flush(self.releases)
        self.serve(new)

    def serve(self, new: Kept) -> None:
        """Move the pointer. What was served stays behind it as the last good one, unless an older one has proved itself more."""
        with self._locked(".pointer.lock"):
            served, before = self._pointed()
            if served is not None and served.manifest_sha256 == new.manifest_sha256:
                new = Kept(new.release_id, new.manifest_sha256, new.channel, served.good)
            else:
                bad = self.refused
                candidates = [each for each in (served, before) if each and each.manifest_sha256 not in bad]
                candidates = [each for each in candidates if each.manifest_sha256 != new.manifest_sha256]
                before = next((each for each in candidates if each.good), candidates[0] if candidates else None)
            self._point(new, before)

    def point_anew(self, found: Sequence[Kept]) -> None:
        """Point at the first of these, with the second as the last good one, unless the pointer is there again."""
        with self._locked(".pointer.lock"):
            if self.served is None:
                self._point(found[0], next(iter(found[1:]), None))

    def still_newest(self) -> None:
        """Note that the publisher offers nothing newer: the pointer's age is the time since the last pull."""
        os.utime(self.pointer)

    def served_well(self, manifest_sha256: str) -> None:
        """Remember of the served release that it serves well."""
        with self._locked(".pointer.lock"):
            served, before = self._pointed()
            if served is not None and served.manifest_sha256 == manifest_sha256 and not served.good:
                self._point(Kept(served.release_id, served.manifest_sha256, served.channel, True), before)

    def roll_back(self, reason: str | None) -> Kept | None:
        """Serve the last good release; None, and nothing done, where there is none.

        ``reason``: why the served one is refused from now on; None where only its files here are damaged, so that the next pull
        brings it again.
        """
        with self._locked(".pointer.lock"):
            served, before = self._pointed()
            if served is None or before is None or not (self.releases / before.release_id).is_dir():
                return None
            if reason is not None:
                self._refuse(served.manifest_sha256, served.release_id, reason)
            # The channel is the home's: the one before may have come by another.
            back = Kept(before.release_id, before.manifest_sha256, served.channel, before.good)
            self._point(back, None)
            return back

    def _point(self, served: Kept, before: Kept | None) -> None:
        said = {**asdict(served), "before": asdict(before) if before else None}
        replace(self.pointer, json.dumps(said).encode())

    @property
    def refused(self) -> dict[str, str]:
        """Why releases are refused on this device, by the SHA-256 of their manifest. Another edge_runtime tries them again."""
        return {sha256: entry["reason"] for sha256, entry in self._refusals().items() if entry.get("by") == _version()}

    def _refusals(self) -> dict[str, dict[str, str]]:
        """Those that are remembered; what is no such thing was not written here, or rotted, and is forgotten."""
        entries = read_object(self.folder / "refused.json").items()
        return {sha256: entry for sha256, entry in entries if isinstance(entry, dict) and "reason" in entry}

    def refuse(self, manifest_sha256: str, release_id: str, reason: str) -> None:
        """Remember that a release failed on this device."""
        with self._locked(".pointer.lock"):
            self._refuse(manifest_sha256, release_id, reason)

    def _refuse(self, manifest_sha256: str, release_id: str, reason: str) -> None:
        entries = self._refusals() | {manifest_sha256: {"release_id": release_id, "reason": reason, "by": _version()}}
        newest = dict(list(entries.items())[-MOST_REFUSED:])
        replace(self.folder / "refused.json", json.dumps(newest, indent=1).encode())

    def forgive(self, manifest_sha256: str) -> None:
        """Forget that a release failed on this device."""
        with self._locked(".pointer.lock"):
            entries = self._refusals()
            if entries.pop(manifest_sha256, None) is not None:
                replace(self.folder / "refused.json", json.dumps(entries, indent=1).encode())

    def drop_unfinished(self) -> None:
        """Remove what releases were put together of that never came to be served here."""
        for path in self.releases.iterdir():
            if path.suffix == ASIDE:
                shutil.rmtree(path)

    def keep_incoming(self, wanted: Collection[str]) -> None:
        """Remove the parts that were fetched for another release than the one that wants these, given by their SHA-256."""
        for path in self.incoming.iterdir():
            if path.name.partition(".")[0] not in wanted:  # what came of one so far ends in .partial
                path.unlink()

    def tidy(self, lists: Collection[str]) -> None:
        """Keep the served release and the last good one, these lists, and nothing of what pulls left over."""
        with self._locked(".pointer.lock"):  # a service may be moving the pointer, and has one aside
            kept = {each.release_id for each in self._pointed() if each}  # of none, the pointer doesn't say what may go
            for path in self.releases.iterdir():
                if path.is_dir() and kept and path.name not in kept:
                    shutil.rmtree(path)
                elif path.name.startswith(f"{ASIDE}-"):
                    path.unlink()
        for path in (*self.incoming.iterdir(), *(path for path in self.lists.iterdir() if path.name not in lists)):
            path.unlink()


def _kept(said: Any) -> Kept | None:
    try:
        return Kept.read(said)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _version() -> str:
    return version("edge-runtime")


def home_of(place: str) -> Path:
    """The home for what is pulled from a place, where none is named: in this user's cache, by the place's name."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return cache / "edge-runtime" / hashlib.sha256(place.encode()).hexdigest()[:16]
