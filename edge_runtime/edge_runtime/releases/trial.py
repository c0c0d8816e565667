"""A release on trial: counted as started until it has served well, so that one that takes the service down is rolled back.

A service opens its release with :func:`edge_runtime.releases.opening.open_newest`, which rolls back first where that is due, and
serves inside a trial, which begins before anything of the release is loaded:

>>> with Trial.of(release) as trial:                  # doctest: +SKIP
...     recognizer = Recognizer.open(release)
...     ...                                           # the first seconds
...     trial.served_well()

A service that is killed, or that ends with an error, before it has served well leaves its start counted. One that is stopped
in peace takes it back, and so does one that meets a fault of the device (:mod:`edge_runtime.releases.blame`). A release that has
once served well is on trial no more.
"""

import fcntl
import json
import logging
from types import TracebackType
from typing import IO, Any

from edge_runtime.disk import read_object, replace
from edge_runtime.releases.blame import is_of_the_device
from edge_runtime.releases.home import Home, Kept
from edge_runtime.releases.release import Release

STARTS = 2
"""So many starts without having served well are one too many: the next one begins with the release before."""
FILE = "trial.json"
LOCK = ".trial.lock"

log = logging.getLogger(__name__)


class Trial:
    """One start of a service with the release that a home serves. Without a home nothing is counted.

    ``proven``: the release has served well here before, and nothing is counted either.
    """

    def __init__(self, home: Home | None, manifest_sha256: str = "", *, proven: bool = False):
        self.home = None if proven else home
        self.manifest_sha256 = manifest_sha256
        self.proven = proven
        self._open = False
        self._counts = False
        self._under_way: IO[str] | None = None

    @classmethod
    def of(cls, release: Release) -> "Trial":
        """The trial of an opened release."""
        home = Home.of_release(release.folder)
        served = home.served if home else None
        known = served is not None and served.release_id == release.folder.name
        return cls(home, served.manifest_sha256, proven=served.good) if known and served else cls(None)

    def begin(self) -> None:
        """Count a start, unless this one is counted."""
        if self._open:
            return
        alone = self._hold()
        # Of two services that try the same release one counts: a power cut ends both.
        self._counts = alone or self.home is None or not _starts(self.home, self.manifest_sha256)
        if self._counts:
            self._count(+1)
        self._open = True

    def _hold(self) -> bool:
        """Let others see that a trial is under way: the kernel ends the lock with the process. False where one was already."""
        if self.home is None:
            return True
        try:
            self._under_way = (self.home.folder / LOCK).open("a")
            fcntl.flock(self._under_way, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # of another service, or of the release before in this one
            log.info("another trial of this home is under way, which holds the lock")
            return False
        except OSError as error:  # the home can't be written
            log.info("this trial holds no lock: %s", error)
        return True

    def _release(self) -> None:
        if self._under_way is not None:
            self._under_way.close()
            self._under_way = None

    def served_well(self) -> None:
        """Say that it answers without fault: the release is the last good one from now on."""
        if not self._open:
            return
        self._open = False
        self._count(None)
        if self.home is not None:
            try:
                self.home.served_well(self.manifest_sha256)
            except OSError as error:
                log.warning("can't note that the release serves well: %s", error)
        self._release()

    def take_back(self) -> None:
        """Say that this start tells nothing of the release: it was not the one to blame, or was stopped in peace."""
        self.excuse()
        self.give_up()

    def excuse(self) -> None:
        """Say that whatever ends the service from now on is not the release's doing. It may still serve well."""
        if self._open and self._counts:
            self._counts = False
            self._count(-1)

    def give_up(self) -> None:
        """Say that the service ends by a fault: unless it has served well, the start stays counted."""
        self._open = False
        self._release()

    def ended_by(self, error: BaseException | None) -> None:
        """Say what ended the service; None and an interrupt are a peaceful end."""
        if error is None or isinstance(error, KeyboardInterrupt | SystemExit) or is_of_the_device(error):
            self.take_back()
        else:
            self.give_up()

    def failed(self, reason: str) -> Kept | None:
        """Say that the release answers wrongly here: from now on it is refused, and the last good one served.

        Gives that one; None, and nothing done, where there is none.
        """
        served = self.home.served if self.home else None
        if self.home is None or served is None or served.manifest_sha256 != self.manifest_sha256:
            return None
        try:
            return self.home.roll_back(reason)
        except OSError as error:
            log.warning("can't note that the release is refused: %s", error)
            return None

    def __enter__(self) -> "Trial":
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended_by(error)

    def _count(self, change: int | None) -> None:
        """Change the number of starts; None sets it to zero. A home that can't be written counts nothing.

        The release that follows is on trial already when the one before ends: its starts are not written over.
        """
        if self.home is None or (change != +1 and _counted(self.home) != self.manifest_sha256):
            return
        starts = 0 if change is None else max(0, _starts(self.home, self.manifest_sha256) + change)
        said = {"manifest_sha256": self.manifest_sha256, "starts": starts}
        try:
            replace(self.home.folder / FILE, json.dumps(said).encode())
        except OSError as error:
            log.warning("can't count this start (%s): the release would not be rolled back if it crashed", error)


def _starts(home: Home, manifest_sha256: str) -> int:
    try:
        return int(_said(home)["starts"]) if _counted(home) == manifest_sha256 else 0
    except (ValueError, KeyError, TypeError, OverflowError):
        return 0


def _counted(home: Home) -> str:
    """The SHA-256 of the manifest whose starts are counted."""
    return str(_said(home).get("manifest_sha256", ""))


def _said(home: Home) -> dict[str, Any]:
    return read_object(home.folder / FILE)


def roll_back_if_due(home: Home) -> Kept | None:
    """Serve the last good release, and refuse the served one from now on, if it was started too often without serving well.

    Gives the release that is served now if that was done. A start that is under way is not held against the release.
    """
    served = home.served
    if served is None or served.good or _starts(home, served.manifest_sha256) < STARTS or _is_under_way(home):
        return None
    return home.roll_back(f"it ended the service {STARTS} times before it had served well")


def _is_under_way(home: Home) -> bool:
    with (home.folder / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # of another service, or of the release before in this one
            return True
    return False
