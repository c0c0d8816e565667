"""What is seen now: the cards in view and what is known of them, as the page draws it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_runtime.belief import State
from edge_runtime.gallery import Card
from edge_runtime.tracks import APPEAR, Event, Track


@dataclass(frozen=True)
class Look:
    """One frame that was looked at: uint8 RGB H×W×3, what lies on it, what happened, and the release that said so."""

    image: np.ndarray
    number: int
    time: float
    status: State
    cards: tuple[dict[str, Any], ...]
    events: tuple[Event, ...]
    release_id: str


def in_view(tracks: Iterable[Track]) -> tuple[dict[str, Any], ...]:
    """The cards in view as JSON values, corners in pixels of the frame."""
    return tuple(
        {
            "stay": track.number,
            "status": track.belief.state.value,
            "confidence": round(track.belief.confidence, 4),
            "cards": [card_json(card) for card in track.belief.cards],
            "corners": corners_json(track.corners),
        }
        for track in tracks
        if track.seen >= APPEAR and track.missing_since is None
    )


def card_json(card: Card) -> dict[str, Any]:
    """A card of the catalogue as a JSON value."""
    return {"card_id": card.card_id, "name": card.name, "set": card.set_id, "number": card.number}


def corners_json(corners: np.ndarray) -> list[list[float]]:
    """Corners float32 4×2 as a JSON value, to a tenth of a pixel."""
    return [[round(float(x), 1), round(float(y), 1)] for x, y in corners]
