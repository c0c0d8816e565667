"""From similarities to an answer. "I don't know" and "one of these" are answers of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge_runtime.gallery import Match


class Status(StrEnum):
    """What is said of a card that was found."""

    CONFIRMED = "confirmed"
    UNCERTAIN = "uncertain"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Thresholds:
    """Calibrated for one model: below ``accept`` a card is unknown; a runner-up within ``margin`` makes it uncertain."""

    accept: float
    margin: float


def decide(matches: Sequence[Match], thresholds: Thresholds) -> Status:
    """The status of a card from its matches, best first."""
    if not matches or not matches[0].similarity >= thresholds.accept:
        return Status.UNKNOWN
    if len(matches) > 1 and matches[0].similarity - matches[1].similarity < thresholds.margin:
        return Status.UNCERTAIN
    return Status.CONFIRMED
