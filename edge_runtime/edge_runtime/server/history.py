"""What happened, newest last, and a small picture of each card as the camera saw it. Kept in memory, and bounded."""

import csv
import io
import itertools
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from edge_runtime.following.tracks import Event, Kind
from edge_runtime.geometry import rectify
from edge_runtime.jpeg import jpeg

THUMBNAIL = (126, 176)
"""Width and height of a kept picture: two pixels for a millimetre of card."""
QUALITY = 80
COLUMNS = (
    "number",
    "at",
    "event",
    "stay",
    "status",
    "other_printing",
    "confidence",
    "card_id",
    "name",
    "set",
    "card_number",
    "release_id",
    "set_name",
    "corrected",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with that a spreadsheet may take for a formula, also as wide as Japanese has it (OWASP, CSV injection)."""


@dataclass(frozen=True)
class Entry:
    """One event as it is told, and the card's picture as JPEG."""

    number: int
    value: dict[str, Any]
    thumbnail: bytes


class History:
    """The last ``most`` events. ``run`` names this run of the service, so that an event's id is its own for ever."""

    def __init__(self, most: int):
        self.run = secrets.token_hex(6)
        self._most = most
        self._numbers = itertools.count(1)
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, event: Event, image: np.ndarray, release_id: str) -> Entry:
        """Keep an event, with what the camera saw of the card: ``image`` uint8 RGB H×W×3."""
        number = next(self._numbers)
        value = {
            "id": f"{self.run}-{number}",
            "number": number,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": event.kind.value,
            **event.as_json(),
            "release_id": release_id,
            "corrected": None,
        }
        with self._lock:
            if event.kind is Kind.LEFT:  # the card is not on this frame any more
                last = (each.thumbnail for each in reversed(self._entries.values()) if each.value["stay"] == event.stay)
                picture = next(last, b"")
            else:
                picture = thumbnail(image, event.corners)
            entry = Entry(number, value, picture)
            self._entries[number] = entry
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)
        return entry

    def entry(self, number: int) -> Entry | None:
        """An event that is still kept."""
        with self._lock:
            return self._entries.get(number)

    def correct(self, number: int, card_id: str) -> Entry | None:
        """Note which card a person said that it was: whoever saves the history would else save the wrong name alone.

        Gives the event as it is told from now on; None where it is gone.
        """
        with self._lock:
            if (entry := self._entries.get(number)) is None:
                return None
            self._entries[number] = replace(entry, value={**entry.value, "corrected": card_id})
            return self._entries[number]

    def before(self, number: int | None, limit: int) -> list[dict[str, Any]]:
        """The newest events before a number, newest first."""
        return [value for value in reversed(self._values()) if number is None or value["number"] < number][:limit]

    def after(self, number: int, limit: int) -> list[dict[str, Any]]:
        """The oldest events after a number, oldest first: what a client missed."""
        return [value for value in self._values() if value["number"] > number][:limit]

    def table(self) -> str:
        """All events as CSV, oldest first."""
        return as_csv(self._values())

    def _values(self) -> list[dict[str, Any]]:
        with self._lock:
            return [entry.value for entry in self._entries.values()]


def as_csv(events: Sequence[dict[str, Any]]) -> str:
    """A row for each event, with the likeliest card; where ``other_printing`` is true, with the card whose other printing it is."""
    file = io.StringIO()
    rows = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\r\n")
    rows.writeheader()
    for event in events:
        card = dict(event["cards"][0]) if event["cards"] else {}
        named = {"card_number": card.pop("number", ""), **card}
        rows.writerow({key: _plain(value) for key, value in {**event, **named}.items()})
    return file.getvalue()


def _plain(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; yes and no as JSON has them."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def thumbnail(image: np.ndarray, corners: np.ndarray) -> bytes:
    """A small picture of a card, as JPEG."""
    return jpeg(rectify(image, corners, THUMBNAIL), QUALITY)
