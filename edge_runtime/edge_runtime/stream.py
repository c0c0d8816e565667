"""From frames to events: read, recognise, follow. The Python API for video.

>>> with open_source("0") as source:                                      # doctest: +SKIP
...     for event in Stream(source, recognizer).events():
...         print(event.kind, [card.name for card in event.cards])
"""

import time
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from edge_runtime.following.motion import Following
from edge_runtime.following.scene import Scene
from edge_runtime.following.stillness import READS, Stillness
from edge_runtime.following.tracks import Event, Tracker
from edge_runtime.geometry import overview
from edge_runtime.reading.effort import Effort
from edge_runtime.reading.readings import Reading, Recognition
from edge_runtime.sources import Source

OTHERS = 4
"""Of so many frames that are read one is looked at for other cards than those that are followed, if anything came to the scene
since it was searched; while something is not decided, one of as many is looked at thoroughly."""
PLAINLY = 8
"""Of so many frames of known cards one is looked at for all that lies in plain view, if anything came since, and their printings
are looked at again. If unknown cards are among them, it is looked at thoroughly, whatever came."""
THOROUGH = 32
"""Of so many frames of known cards one is looked at thoroughly, so that a card is found that the others miss; and of cards that
:data:`HOPELESS` frames in a row didn't name, and where none are in view."""
HOPELESS = 40
"""Frames after which another one hardly names a card: eight that give it up, and four times eight that are followed by a thorough
look."""


class Recognizes(Protocol):
    """What names the cards on one frame: a :class:`edge_runtime.recognizer.Recognizer`."""

    def recognize(
        self, image: np.ndarray, *, effort: Effort = Effort.THOROUGH, followed: Sequence[Reading] = ()
    ) -> Recognition:
        """All cards on a picture uint8 RGB H×W×3 that so much effort finds; ``followed``: those of the frame before, where they
        lie by now."""


class Follower:
    """Looks at one picture after another, and follows the cards on them: with little effort, and now and then thoroughly."""

    def __init__(
        self, recognizer: Recognizes, tracker: Tracker | None = None, stillness: Stillness | None = None
    ) -> None:
        self.tracker = tracker or Tracker()
        self.read = 0
        """Frames that were recognised."""
        self.spared = 0
        """Frames that were not, since nothing had moved."""
        self.busy = 0.0
        """Seconds spent on recognising."""
        self._recognizer = recognizer
        self._stillness = stillness or Stillness()
        self._following = Following()
        self._scene = Scene()
        self._looks = OTHERS - 1
        """Since the last thorough one."""

    def look(self, image: np.ndarray, now: float) -> list[Event]:
        """What happens with one more picture uint8 RGB H×W×3, ``now`` in seconds that never run backwards."""
        small = overview(image)
        if self._stillness.holds(small) and (self.tracker.settled or self._read_out):
            self.spared += 1
            return self.tracker.still(now)
        started = time.perf_counter()
        effort = self._effort()
        followed = self._following.now(image, small) if effort is not Effort.THOROUGH else ()
        if effort is not Effort.THOROUGH and self._decided and len(followed) == len(self.tracker.tracks):
            effort = self._least(small, effort)
        readings = self._recognizer.recognize(image, effort=effort, followed=followed).cards
        if effort is not Effort.THOROUGH and self.tracker.misses(readings):  # perhaps only for want of effort
            effort = Effort.THOROUGH
            readings = self._recognizer.recognize(image, effort=effort).cards
        self.busy += time.perf_counter() - started
        self.read += 1
        self._looks = 0 if effort is Effort.THOROUGH else self._looks + 1
        self._stillness.was_read()
        if effort >= Effort.PLAIN:
            self._scene.was_searched(small)
        events = self.tracker.update(readings, now)
        self._following.saw(self.tracker.decided(readings), small)
        return events

    @property
    def _read_out(self) -> bool:
        """Whether the scene as it is was read so often that no frame from before it counts any more."""
        return self._stillness.reads >= self.tracker.rules.window

    @property
    def _decided(self) -> bool:
        """Whether of all cards in view is known what they are, or that nothing names them; or that there are none."""
        tracks = self.tracker.tracks
        if not tracks:
            return self._scene.searches >= self.tracker.rules.window
        return all(self.tracker.is_decided(track) and not track.missed for track in tracks)

    def _effort(self) -> Effort:
        """Thorough for the last look before a still scene is spared, and now and then."""
        tracks, looks = self.tracker.tracks, self._looks + 1
        if self._stillness.reads == READS - 1:
            return Effort.THOROUGH
        decided = self._decided
        known = decided and bool(tracks) and all(track.known for track in tracks)
        seldom = decided and all(track.known or track.unnamed >= HOPELESS for track in tracks)
        if looks >= (THOROUGH if seldom else PLAINLY if decided else OTHERS):
            return Effort.THOROUGH
        if not known or looks % PLAINLY == 0:
            return Effort.PLAIN
        return Effort.ONE if len(tracks) == 1 else Effort.QUICK

    def _least(self, small: np.ndarray, effort: Effort) -> Effort:
        """What will do in place of so much where all cards are followed: others are looked for now and then, if anything came."""
        looks = self._looks + 1
        due = looks % OTHERS == 0 or not self.tracker.tracks
        if due and self._scene.changed(small):
            return effort
        return Effort.SETTLED if self.tracker.unchanged and looks % PLAINLY else Effort.FOLLOWED

    def use(self, recognizer: Recognizes) -> None:
        """Go on with another recogniser. Its answers are not weighed with those of the one before: cards are read anew."""
        self._recognizer = recognizer
        self.tracker.forget()
        self._stillness.forget()
        self._following.forget()
        self._scene.forget()


class Stream(Follower):
    """One source, watched. ``every``: of so many frames one is looked at; a camera's frames that came meanwhile count."""

    def __init__(
        self,
        source: Source,
        recognizer: Recognizes,
        tracker: Tracker | None = None,
        stillness: Stillness | None = None,
        every: int = 1,
    ):
        super().__init__(recognizer, tracker, stillness)
        self.source = source
        self.frames = 0
        """Frames that the source had, those included that nobody looked at."""
        self._every = every

    def events(self) -> Iterator[Event]:
        """What happens to cards, as it happens; ``time`` in seconds from the first frame. Raises what recognising raises."""
        start, due = None, 0
        for frame in self.source:
            start = frame.time if start is None else start
            self.frames = frame.number + 1
            if frame.number < due:
                continue
            due = frame.number + self._every
            yield from self.look(frame.image, frame.time - start)
