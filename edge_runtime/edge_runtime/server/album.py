"""Cards on photos that clients sent, for as long as somebody may say which card one was. Kept in memory, and bounded.

Only a service that keeps corrections has one: nothing of a photo stays anywhere else.
"""

import itertools
import threading
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from edge_runtime.judging.decide import Status
from edge_runtime.server.history import thumbnail

MOST = 256
"""Cards: some pages of a binder."""


class Album:
    """The last ``most`` cards, of this ``run`` of the service."""

    def __init__(self, run: str, most: int = MOST):
        self._run = run
        self._most = most
        self._numbers = itertools.count(1)
        self._kept: OrderedDict[str, tuple[dict[str, Any], bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, image: np.ndarray, answer: dict[str, Any]) -> None:
        """Keep the cards of an answer for a photo uint8 RGB H×W×3, and write to each by which id it is corrected."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        for card in answer["cards"]:
            picture = thumbnail(image, np.array(card["corners"], np.float32))
            with self._lock:
                card["id"] = f"{self._run}-photo-{next(self._numbers)}"
                told = {key: card[key] for key in ("id", "status", "confidence", "other_printing")}
                self._kept[card["id"]] = (
                    told | {"at": at, "release_id": answer["release_id"], "cards": _named(card)},
                    picture,
                )
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)

    def card(self, name: str) -> tuple[dict[str, Any], bytes] | None:
        """What was said of a card, as an event says it, and its picture (JPEG); None where it is gone."""
        with self._lock:
            return self._kept.get(name)


def _named(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Which cards an answer named: the card, or those that it may be; none of an unknown one, unless it is another printing."""
    if card["status"] == Status.UNCERTAIN.value:
        return list(card["candidates"])
    return [card] if card["status"] == Status.CONFIRMED.value or card["other_printing"] else []
