"""What a person says that a card was which the service had named otherwise, or not at all, kept with what the service itself is
unsure of.

A wrong name that was given surely leaves nothing else: the box keeps only what is in doubt.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_runtime.feedback.box import MOST_BYTES, make_room, put


class Corrections:
    """Puts them into the folder of a :class:`~edge_runtime.feedback.box.FeedbackBox`. May be used from any thread."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES):
        self.folder = Path(folder)
        self._most_bytes = most_bytes

    def keep(self, event: Mapping[str, Any], picture: bytes, card_id: str, variant: str) -> None:
        """Keep the picture (JPEG, of the card alone) of an event, and which card it is. Raises OSError.

        An event that names no card is kept without one. The last word on an event counts, and alone: a request may come twice, and
        a person may choose the wrong card first.
        """
        named = event["cards"][0] if event["cards"] else {"card_id": "", "set": ""}
        said = {
            "at": event["at"],
            "release_id": event["release_id"],
            "variant": variant,
            "status": event["status"],
            "card_id": named["card_id"],
            "set": named["set"],
            "similarity": None,
            "confidence": event["confidence"],
            "candidates": [],
            "other_printing": event["other_printing"],
            "corrected": card_id,
        }
        day = self.folder / event["at"][:10]
        day.mkdir(parents=True, exist_ok=True)
        put(day, picture, said, hashlib.sha256(event["id"].encode()).hexdigest()[:32])
        make_room(self.folder, self._most_bytes)
