"""The loop: one thread that owns the recogniser and does one thing after the other.

Between two frames it answers a photo that waits, or goes over to the release that follows. It never waits for a client, a
disk or the network; what it made is handed on.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from edge_runtime.answers import card_json
from edge_runtime.following.stillness import Stillness
from edge_runtime.following.tracks import Tracker
from edge_runtime.reading.readings import Reading, Recognition
from edge_runtime.server.heap import give_back, let_go_of_code
from edge_runtime.server.inbox import Inbox, Upload
from edge_runtime.server.metrics import Metrics
from edge_runtime.server.proving import Proving
from edge_runtime.server.scene import Look, in_view
from edge_runtime.server.served import Served
from edge_runtime.server.systemd import notify, serving
from edge_runtime.server.vital import vital
from edge_runtime.sources import Frame
from edge_runtime.stream import Follower
from edge_runtime.timing import Stopwatch

BEAT = 1.0
"""Seconds after which the loop shows that it lives when there is nothing to do."""
STALE = 30.0
"""Seconds without a sign of the loop after which it counts as hung."""
MOST_FAILURES = 10
"""Frames in a row that fail before the service gives up, so that whoever started it can start it anew."""

log = logging.getLogger(__name__)


class Loop:
    """``told`` gets every look; ``gave_up`` is called, once, when frames fail again and again, or nothing more can be done."""

    def __init__(
        self,
        served: Served,
        inbox: Inbox,
        metrics: Metrics,
        told: Callable[[Look], None],
        gave_up: Callable[[], None],
        *,
        leave: float,
        still: float,
        prove: float,
    ):
        self.served = served
        """The release that answers; read it once, then use what you read."""
        self.failed = False
        self._inbox = inbox
        self._metrics = metrics
        self._told = told
        self._gave_up = gave_up
        self._follower = Follower(served.recognizer, Tracker(leave=leave), Stillness(still))
        self._next_number = 0
        self._failures = 0
        self._proving = Proving(prove)
        self._ended_by: Exception | None = None
        self._beat = time.monotonic()
        self._stop = threading.Event()
        self._thread = vital("loop", self._run, gave_up)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self, wait: float = 10.0) -> None:
        """End after what is being done, and close the recogniser. What takes longer is left behind: see :attr:`busy`."""
        self._stop.set()
        if self._thread.ident is None:
            self.served.close()
            return
        self._thread.join(wait)
        if self.busy and self.age < STALE:  # a full picture on a slow machine: nothing to hold against the release
            self.served.trial.take_back()

    @property
    def busy(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    @property
    def age(self) -> float:
        """Seconds since the loop last showed that it lives."""
        return time.monotonic() - self._beat

    @property
    def alive(self) -> bool:
        """Whether it moves."""
        return not self.failed and self._thread.is_alive() and self.age < STALE

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self.failed, self._ended_by = True, error
            raise
        finally:
            self.served.close(self._ended_by)

    def _work(self) -> None:
        self._opened()
        while not self._stop.is_set() and not self.failed:
            self._beat = time.monotonic()
            work = self._inbox.take(BEAT)
            if isinstance(work, Served):
                self._follow(work)
            elif isinstance(work, Upload):
                self._answer(work)
            elif work is not None:
                self._look(work)
            elif self._proving.stood(BEAT):
                self.served.stands()

    def _follow(self, served: Served) -> None:
        """Go over to another release. The one before is closed: its last answer was given."""
        before, self.served = self.served, served
        before.close()
        self._proving.begin()
        self._follower.use(served.recognizer)
        self._metrics.serves(served)
        log.info("release %s answers from now on, in the place of %s", served.release_id, before.release_id)
        notify(serving(served.release_id))
        del before  # freed now, so that what it held is given back with the rest
        self._opened()

    def _look(self, frame: Frame) -> None:
        self._metrics.dropped.inc(frame.number - self._next_number)
        self._next_number = frame.number + 1
        try:
            self._read(frame)
        except Exception as error:  # of a chip, a model, a picture or a listener: the next frame may fare better
            self._failure(error)
            return
        self._failures = 0
        if self._proving.answered(time.monotonic()):
            self.served.served_well()

    def _read(self, frame: Frame) -> None:
        """Look at a frame, and tell of it. Raises whatever comes up."""
        before = self._follower.read
        with Stopwatch() as watch:
            events = self._follower.look(frame.image, frame.time)
        was_read = self._follower.read > before
        self._metrics.looked(watch.spent, was_read=was_read, events=events)
        tracker = self._follower.tracker
        self._told(
            Look(
                frame.image,
                frame.number,
                frame.time,
                tracker.state,
                in_view(tracker.tracks),
                tuple(events),
                self.served.release_id,
            )
        )
        if was_read:
            self._rest()

    def _failure(self, error: Exception) -> None:
        self._failures += 1
        self._proving.begin()
        self._metrics.failed.inc()
        if self._failures == 1:
            log.exception("a frame could not be read")
        if self._failures >= MOST_FAILURES:
            log.error("%d frames in a row could not be read: giving up", self._failures)
            self.failed, self._ended_by = True, error
            self._gave_up()

    def _answer(self, upload: Upload) -> None:
        if not upload.answer.set_running_or_notify_cancel():
            return
        try:
            started = time.perf_counter()
            found = self.served.recognizer.recognize(upload.image)
            seconds = time.perf_counter() - started
            upload.answer.set_result(answer_json(found, upload, self.served.release_id, seconds))
            self._metrics.answered(found.status, seconds)
        except Exception as error:  # the one who asked is told, the loop goes on
            log.exception("a photo could not be read")
            self._metrics.failed.inc()
            self._proving.begin()
            upload.answer.set_exception(error)
        self._rest()

    def _opened(self) -> None:
        """Hold no more of what opening a release needed than what answers need."""
        self._rest()
        let_go_of_code()

    def _rest(self) -> None:
        """Hold no more than is needed until the next picture."""
        self.served.recognizer.gallery.rest()
        give_back()


def answer_json(found: Recognition, upload: Upload, release_id: str, seconds: float) -> dict[str, Any]:
    """What is said of a photo, as a JSON value."""
    height, width = upload.image.shape[:2]
    return {
        "status": found.status,
        "release_id": release_id,
        "ms": round(1000 * seconds, 1),
        "width": width,
        "height": height,
        "cards": [reading_json(reading) for reading in found.cards],
    }


def reading_json(reading: Reading) -> dict[str, Any]:
    """One card on a photo as a JSON value, as :func:`card_json` has it, and what the catalogue says of its candidates."""
    candidates = [{**match.card.as_json(), "similarity": round(match.similarity, 4)} for match in reading.candidates]
    return {**card_json(reading), "candidates": candidates, "id": None}
