"""Which printings the cards on one photo are, seen together: cards that lie together are mostly of one language.

A small card shows too little to tell a foreign printing for sure. A page of a binder shows thirty.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from edge_runtime.geometry import width
from edge_runtime.judging.decide import Status
from edge_runtime.reading.readings import Reading

UNSEEN = 0.5
"""Cards of either kind that a photo counts as having beside those on it (Jeffreys' prior of a share): without any other card none
of the two is likelier, and one card is little evidence of its neighbour."""
ROUNDS = 30
"""Times that all cards are weighed anew, at most: of pages with thirty cards nothing moves by a thousandth after a dozen."""


def seen_together(readings: Sequence[Reading], least: Callable[[float], float]) -> list[Reading]:
    """The readings of one photo, those named ones as other printings that are likelier so, seeing what lies beside them.

    ``least``: the least probability of a printing that is believed of a card so many pixels wide.
    """
    looked = [(row, each.printing) for row, each in enumerate(readings) if each.printing is not None]
    seen = list(readings)
    for (row, _), likely in zip(looked, among([printing for _, printing in looked]).tolist(), strict=True):
        reading = readings[row]
        if reading.status is not Status.UNKNOWN and likely < least(width(reading.corners)):
            confidence = min(reading.confidence, likely)
            seen[row] = replace(reading, status=Status.UNKNOWN, confidence=confidence, other_printing=True)
    return seen


def among(likely: Sequence[float]) -> np.ndarray:
    """How likely each of the cards on a photo is the printing that it is named as, float64 N in 0..1, from how likely each is by
    itself: less so among cards of other printings, and never more.

    Bayes' rule for each card, with the share of the others that are as they are named for its odds beforehand; what follows changes
    that share, so all are weighed until nothing moves.
    """
    own = np.asarray(likely, np.float64)
    now = own
    for _ in range(ROUNDS):
        before, share = now, np.minimum(0.5, (UNSEEN + now.sum() - now) / (2 * UNSEEN + len(own) - 1))
        now = own * share / (own * share + (1 - own) * (1 - share))
        if (
            now == before
        ).all():  # at once on most frames of a stream, whose cards are alone, or all what they are named as
            break
    return now
