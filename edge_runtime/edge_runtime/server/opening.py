"""Opening a release to be served. One that hasn't proved itself is on trial from before anything of it is loaded.

A model can take its process down by being opened. The start is counted by then, so the second such start is the last: the
next one begins with the release before (:mod:`edge_runtime.releases.trial`). Then it is asked its known queries by what will
answer here, a chip or another model than the one that was tried when it was pulled.
"""

import logging
from collections.abc import Callable

from edge_runtime.embedder import EmbedderError
from edge_runtime.gallery import GalleryError
from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.refusals import ReleaseError, SelfTestFailed
from edge_runtime.releases.release import Release
from edge_runtime.releases.selftest import self_test
from edge_runtime.releases.trial import Trial
from edge_runtime.releases.trust import NotARoot
from edge_runtime.server.heap import apart, settle
from edge_runtime.server.served import Served

REFUSALS = (ReleaseError, EmbedderError, GalleryError, NotARoot, OSError)
"""Why there may be nothing to serve: each in one sentence."""

log = logging.getLogger(__name__)


class Opener:
    """Opens what is to be served. ``newest``: the release to open; ``load``: its recogniser. Both raise ``REFUSALS``."""

    def __init__(
        self,
        newest: Callable[[], Release],
        load: Callable[[Release], Recognizer],
        test: Callable[[Recognizer], object] = self_test,
    ):
        self._newest = newest
        self._load = load
        self._test = test
        self._under_way: Trial | None = None

    def first(self) -> Served:
        """The release that a service starts with: the newest, or the last good one where that fails its test."""
        try:
            return self.next()
        except RolledBack as error:
            log.warning("%s", error)
            return self.next()

    def next(self) -> Served:
        """The newest release, its trial begun. Raises :class:`RolledBack` once it failed, and another is the newest now."""
        release = self._newest()
        trial = Trial.of(release)
        trial.begin()
        self._under_way = trial
        try:
            with apart():
                recognizer = self._loaded(release, trial)
        except BaseException as error:
            trial.ended_by(error)
            if isinstance(error, SelfTestFailed) and (before := trial.failed(str(error))):
                raise RolledBack(f"{error}; rolled back to {before.release_id}") from error
            raise
        finally:
            self._under_way = None
        return Served.open(release, recognizer, trial)

    def leave(self) -> None:
        """Hold nothing against a release that another thread is opening: the process ends in peace before it is open."""
        if (trial := self._under_way) is not None:
            trial.take_back()

    def _loaded(self, release: Release, trial: Trial) -> Recognizer:
        recognizer = self._load(release)
        try:
            if not trial.proven:
                self._tried(recognizer)
                settle()  # both releases read frames before the one that answered is closed
        except BaseException:
            recognizer.close()
            raise
        return recognizer

    def _tried(self, recognizer: Recognizer) -> None:
        asked = self._test(recognizer)
        log.info(
            "this release has not served well yet: it is on trial, and answered %s known queries as it should", asked
        )


class RolledBack(SelfTestFailed):
    """The release failed its test, is refused here from now on, and the one before has taken its place."""
