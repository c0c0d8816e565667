"""What is seen now: the cards in view and what is known of them, as the page draws it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_runtime.following.belief import State
from edge_runtime.following.tracks import APPEAR, Event, Track


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
    return tuple(track.as_json() for track in tracks if track.seen >= APPEAR and track.missing_since is None)
