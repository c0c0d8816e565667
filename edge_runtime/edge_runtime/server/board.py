"""The board: what the loop made of a frame, told to history, watchers and whoever else wants to know."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from edge_runtime.following.belief import State
from edge_runtime.server.history import History
from edge_runtime.server.hub import Hub
from edge_runtime.server.scene import Look
from edge_runtime.server.served import Served
from edge_runtime.server.viewfinder import Viewfinder

BLIND = ("lost", "ended", "waiting")
"""Of a source that is so nothing is known of what is in view."""
Notice = Callable[[dict[str, Any]], None]
"""Takes an event, at once: whoever delivers it has a queue of its own."""
Sight = Callable[[bool], None]
"""Takes note whether the source gives frames, at once: it is told again and again."""


class Board:
    """``source`` and ``served`` are asked how things stand now; ``corrects``: whether corrections of events are kept."""

    def __init__(
        self,
        history: History,
        hub: Hub,
        viewfinder: Viewfinder,
        source: Callable[[], str],
        served: Callable[[], Served],
        notices: Sequence[Notice] = (),
        sights: Sequence[Sight] = (),
        *,
        corrects: bool = False,
    ):
        self.history = history
        self._corrects = corrects
        self._hub = hub
        self._viewfinder = viewfinder
        self._source = source
        self._served = served
        self._notices = notices
        self._sights = sights
        self._lock = threading.Lock()
        self._look: Look | None = None
        self._told: dict[str, Any] = {}

    def look(self, look: Look) -> None:
        """A frame was looked at."""
        with self._lock:
            self._look = look
        for event in look.events:
            entry = self.history.add(event, look.image, look.release_id)
            self._hub.publish({"type": "event", **entry.value})
            for notice in self._notices:
                notice(entry.value)
        self.refresh()
        self._viewfinder.show(look)

    def correct(self, number: int, card_id: str) -> None:
        """A person said which card it was at an event: whoever watches would go on showing the wrong name."""
        entry = self.history.correct(number, card_id)
        if entry is not None:
            self._hub.publish({"type": "correction", **entry.value})

    def refresh(self) -> None:
        """Tell watchers how things stand, if that changed: also called while no frame comes."""
        state = self.state()
        with self._lock:
            news, self._told = state != self._told, state
        if news:
            self._hub.publish(state)
        for sight in self._sights:
            sight(state["source"] not in BLIND)

    def state(self) -> dict[str, Any]:
        """How things stand: the source, the release, the scene. Of a scene whose camera is lost nothing is known."""
        with self._lock:
            look = self._look
        source = self._source()
        gone = look is None or source in BLIND
        served = self._served()
        return {
            "type": "state",
            "run": self.history.run,
            "source": source,
            "status": State.NO_CARD.value if gone or look is None else look.status.value,
            "cards": [] if gone or look is None else [{**card, "corners": None} for card in look.cards],
            "release": served.as_json(),
            "corrects": self._corrects,
        }
