"""What was read of the cards on a photo, and which readings stay when several lie in one place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import area, overlap, shared_area
from edge_runtime.judging.decide import Status

if TYPE_CHECKING:
    from edge_runtime.judging.judge import Judgement

SAME_PLACE = 0.5
"""Share of the smaller of two outlines that lies in the other when both are of one card."""
SAME_OUTLINE = 0.7
"""Intersection over union from which two outlines are of the same card, and of no other that lies on it or beneath."""
LESS_SIMILAR = 0.05
"""By how much less similar than before, as a cosine, a followed card is read the other way up as well: of 800 cards before the easy
and the medium camera all that a glance knows headlong are less similar so by 0.06 and more."""
CLEAR = 0.9
"""Confidence at a glance that leaves no doubt of the artwork: no other way up is tried, and a followed card may be taken for the
twin that it was."""
PROMISING = 0.5
"""Confidence at a glance from which an outline is judged at once: once named, it explains the outlines inside it."""
WORTH_FITTING = 0.1
"""Confidence from which other fits of an outline are tried before it is given up as unknown."""
NEAREST = 5
"""Cards that are listed of one that is not uncertain: the nearest."""
SIMILAR_SIZE = 0.3
"""Share of the largest card's area that one which matches nothing must have: cards on one photo lie about as far away."""


@dataclass(frozen=True, eq=False)  # each equals itself alone: what its array compares with another's is no truth value
class Reading:
    """One card on a photo. ``corners`` float32 4×2 in pixels of the photo; ``matches`` best first."""

    status: Status
    confidence: float
    """The probability that the art is right, 0..1; of another printing that it is the very one that the picture shows."""
    corners: np.ndarray
    matches: tuple[Match, ...]
    outline: float
    """The locator's score of the outline, 0..1."""
    judged: bool = False
    """Whether more than a glance was taken."""
    other_printing: bool = False
    """Whether it shows the artwork of the first match, but is another printing: an unknown card."""
    carried: bool = False
    """Whether which of its twins it is, or that it is unknown, was taken over from the frame before: of that this frame is no
    evidence."""
    points: int | None = None
    """Points that agree with the picture of the first match; None where only a glance was taken."""
    denied: Mapping[str, int] = field(default_factory=dict)
    """Arts whose picture lies exactly there and shows something else, each with the points that agree."""
    printing: float | None = None
    """How likely it is the printing that the picture of the first match shows, 0..1; None where that was not looked at."""

    @classmethod
    def of(cls, judgement: "Judgement", outline: float, *, judged: bool = False) -> "Reading":
        """What was judged of an outline with such a score."""
        return cls(
            judgement.status,
            judgement.confidence,
            judgement.corners,
            judgement.matches,
            outline,
            judged,
            judgement.other_printing,
            points=judgement.evidence.points,
            denied=judgement.denied,
            printing=judgement.printing,
        )

    @property
    def left_open(self) -> bool:
        """Whether it says no more than that the card is none that it knows."""
        return self.status is Status.UNKNOWN and not self.other_printing

    @property
    def card(self) -> Card:
        """The most likely card of the gallery."""
        return self.matches[0].card

    @property
    def candidates(self) -> tuple[Match, ...]:
        """The cards that it may be, likeliest first: every print of its art, and no other card, where it is uncertain which print
        it is; else the :data:`NEAREST` ones, which say what was near."""
        if self.status is not Status.UNCERTAIN:
            return self.matches[:NEAREST]
        return tuple(match for match in self.matches if match.card.art_group == self.card.art_group)

    @property
    def similarity(self) -> float:
        """Its similarity, the cosine in -1..1."""
        return self.matches[0].similarity

    def doubtful_after(self, before: "Reading") -> bool:
        """Whether what is read in a card's place says that another card lies there by now, or the same another way up."""
        other = self.card.art_group != before.card.art_group
        return other or self.similarity < before.similarity - LESS_SIMILAR

    def carried_to(self, glance: "Reading") -> "Reading | None":
        """The same where a glance at the next frame saw it, if that needs a second look to say which twin it is, and has no doubt
        of the artwork."""
        if glance.judged or glance.confidence < CLEAR or glance.doubtful_after(self):
            return None
        return replace(self, corners=glance.corners, outline=glance.outline, judged=True, carried=True)


@dataclass(frozen=True)
class Recognition:
    """All cards on a photo, the most certain first."""

    cards: tuple[Reading, ...]

    @property
    def status(self) -> str:
        """The best status among the cards, or ``no card``."""
        found = {reading.status for reading in self.cards}
        return next((status.value for status in Status if status in found), "no card")


def _promise(corners: np.ndarray, score: float) -> float:
    """How likely an outline is that of a whole card: well supported and large, since a card's inner frames lie inside it."""
    return score * area(corners) ** 0.25


def by_confidence(reading: Reading) -> tuple[float, ...]:
    """An order: the most confident first."""
    return (-reading.confidence, -reading.similarity)


def named_first(reading: Reading) -> tuple[float, ...]:
    """Named cards by confidence; then other printings of known ones, and all else, where it means little, by their outline."""
    if reading.status is not Status.UNKNOWN:
        return (0, -reading.confidence, -reading.similarity)
    return (1 if reading.other_printing else 2, -_promise(reading.corners, reading.outline), -reading.similarity)


def apart(corners: np.ndarray, others: Sequence[np.ndarray]) -> bool:
    """Whether an outline lies where none of the others does."""
    size = area(corners)
    return all(shared_area(corners, other) <= SAME_PLACE * max(min(size, area(other)), 1e-6) for other in others)


def of_one_size(readings: Sequence[Reading]) -> Iterator[Reading]:
    """The named cards, other printings of known ones, and those unknown ones that are about as large as the largest card: the rest
    are boxes and things."""
    least = SIMILAR_SIZE * max((area(reading.corners) for reading in readings), default=0.0)
    return (each for each in readings if not each.left_open or area(each.corners) >= least)


def one_each(readings: Sequence[Reading], order: Callable[[Reading], tuple[float, ...]]) -> list[Reading]:
    """Of readings in one place keep the first in order."""
    kept: list[Reading] = []
    for reading in sorted(readings, key=order):
        if apart(reading.corners, [other.corners for other in kept]):
            kept.append(reading)
    return kept


def overruled(reading: Reading, others: Sequence[Reading]) -> bool:
    """Whether another reading of the same outline denied the art that this one names, by more points: the more of them agree, the
    more exactly a picture lies on the card, and the less can its artwork differ for another reason."""
    if reading.status is Status.UNKNOWN or reading.points is None:
        return False
    art, points = reading.card.art_group, reading.points
    return any(
        other.denied.get(art, 0) > points and overlap(other.corners, reading.corners) >= SAME_OUTLINE
        for other in others
    )


def after_others(reading: Reading, tried: Sequence[np.ndarray], accept: float) -> Reading:
    """A reading of a card that was named, after some outlines (float32 4×2 each) were read that are none: unknown if those that lie
    nearly where it does leave less confidence than ``accept``.

    Each outline more is another chance for a stranger to look like a card of the gallery. That one of them does by chance is as
    many times as likely (the look-elsewhere effect; Bonferroni's correction), so the odds are divided by their number.
    """
    if reading.status is Status.UNKNOWN:
        return reading
    looks = 1 + sum(overlap(each, reading.corners) >= SAME_OUTLINE for each in tried)
    confidence = reading.confidence / (reading.confidence + looks * (1 - reading.confidence))
    status = reading.status if confidence >= accept else Status.UNKNOWN
    return replace(reading, status=status, confidence=confidence)


def refused(reading: Reading) -> Reading:
    """The reading as one of a card that is none that it knows."""
    return replace(reading, status=Status.UNKNOWN, confidence=0.0)


def known_corners(seen: Sequence[Reading]) -> list[np.ndarray]:
    """Where the cards lie, of those seen, that were named or are another printing of a known one."""
    return [each.corners for each in seen if each.judged and not each.left_open]


def settled(seen: Sequence[Reading]) -> bool:
    """Whether a card was named, or is another printing of a known one, and nothing else on the photo looks like either."""
    left = [reading for reading in seen if reading.left_open]
    return len(left) < len(seen) and all(reading.confidence < WORTH_FITTING for reading in left)
