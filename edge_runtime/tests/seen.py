"""Readings of made-up cards, and what is told of frames of them."""

import numpy as np

from edge_runtime.following.tracks import Tracker
from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame
from edge_runtime.judging.decide import Status
from edge_runtime.reading.readings import Reading

FOX = Card("demo-1", "Amber Fox", "demo", "1", "fox")
REPRINT = Card("echo-9", "Amber Fox", "echo", "9", "fox")
HERON = Card("demo-2", "Blue Heron", "demo", "2", "heron")
LEFT, RIGHT = (100, 100), (180, 100)
"""Side by side: a card is 63 × 88 pixels."""


def reading(card, at=LEFT, confidence=0.97, status=Status.CONFIRMED, twins=()):
    matches = tuple(Match(each, 0.9 - 0.01 * rank) for rank, each in enumerate([card, *twins]))
    return Reading(status, confidence, full_frame(63, 88) + np.float32(at), matches, 0.9, judged=True)


def stranger(at=LEFT):
    return reading(HERON, at, 0.1, Status.UNKNOWN)


def watched(frames, tracker=None, start=0):
    """The events of frames, ten a second."""
    tracker = tracker or Tracker()
    return [event for number, frame in enumerate(frames, start) for event in tracker.update(frame, number / 10)]
