"""The next release, made ready beside the one that answers: opened, warmed and tried before the loop goes over to it.

Where there is none, the signatures of the one that answers may have been renewed: that is told too.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from edge_runtime.releases.refusals import SelfTestFailed
from edge_runtime.releases.release import Release
from edge_runtime.server.opening import REFUSALS
from edge_runtime.server.served import Served

log = logging.getLogger(__name__)


class Successor:
    """Looks for another release now and then.

    ``current``: the id of the one that answers; ``newest``: what is newest by its signed manifest, cheap where that is known;
    ``opened``: opens and tries that, or the last good one; ``hand_over``: gives it to the loop, and gives back one that was
    overtaken; ``renewed``: is told until when a release's signatures hold.
    """

    def __init__(
        self,
        current: str,
        newest: Callable[[], Release],
        opened: Callable[[], Served],
        hand_over: Callable[[Served], Served | None],
        renewed: Callable[[str, datetime | None], None],
        seconds: float,
    ):
        self.refused = ""
        """Why the newest release does not answer; empty if it does."""
        self._current = current
        self._passed_over = ""
        self._newest = newest
        self._opened = opened
        self._hand_over = hand_over
        self._renewed = renewed
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="successor", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self, wait: float = 10.0) -> None:
        """Stop looking. A release that is being opened is opened, and closed again; what takes longer is left: see :attr:`busy`."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(wait)

    @property
    def busy(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self.look()

    def look(self) -> bool:
        """Look once; whether another release was handed over. A place that can't be read is asked again the next time."""
        try:
            newest = self._newest()
            if newest.release_id == self._current:
                self._renewed(newest.release_id, newest.signed.expires if newest.signed else None)
                if self.refused:
                    log.info("release %s, which answers, is the newest that there is", newest.release_id)
                self.refused = ""
                return False
            if newest.release_id == self._passed_over:
                return False
            served = self._made_ready(newest.release_id)
            return served is not None and self._handed_over(served)
        except REFUSALS as error:
            self._say_refused(str(error))
            return False
        except Exception:
            log.exception("another release could not be tried")
            self._say_refused("the newest release failed when it was tried: the log says how")
            return False

    def _made_ready(self, release_id: str) -> Served | None:
        """The release that follows; None where what opens is still the one that answers. Raises what opening raises."""
        try:
            served = self._opened()
        except SelfTestFailed:
            self._passed_over = release_id  # what fails once would fail again
            raise
        if served.release_id != self._current:
            return served
        served.close()
        self._passed_over = release_id
        return None

    def _handed_over(self, served: Served) -> bool:
        if self._stop.is_set():
            served.close()
            return False
        self._current, self._passed_over, self.refused = served.release_id, "", ""
        overtaken = self._hand_over(served)
        if overtaken is not None:
            overtaken.close()
        return True

    def _say_refused(self, why: str) -> None:
        if why != self.refused:
            log.warning("no other release is used: %s", why)
        self.refused = why
