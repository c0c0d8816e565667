"""What several frames of one card say together. Functions without clock or state; `edge_runtime.following.tracks` calls them.

A frame's confidence is calibrated with half of all cards taken to be strangers, so its log-odds are the logarithm of a
likelihood ratio, right against wrong. Those of independent frames would add up (I. J. Good, Probability and the Weighing
of Evidence, 1950). Frames of one card are not independent: they share its light, its angle and its look-alikes. For n
Gaussian observations any two of which correlate by r, the log-likelihood ratio of all of them is

    sum of the single ones / (1 + (n - 1) r)

so n frames weigh as much as n / (1 + (n - 1) r) independent ones (the design effect: L. Kish, Survey Sampling, 1965): at
most as much as 1 / r, however long the card lies there.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from edge_runtime.gallery import Card
from edge_runtime.judging.decide import Status, logistic

if TYPE_CHECKING:
    from edge_runtime.reading.readings import Reading

MOST = 0.999
"""The highest confidence given: no validation set of hundreds of cards can tell more."""
CANDIDATES = 8
"""Cards that an uncertain answer lists at most."""


class State(StrEnum):
    """What is known of a place, or of the whole scene."""

    CONFIRMED = "confirmed"
    UNCERTAIN = "uncertain"
    UNKNOWN = "unknown"
    NO_CARD = "no card"


@dataclass(frozen=True)
class Rules:
    """How frames are weighed.

    ``confirm``: confidence of all frames together from which a card is named, ``lean``: from which candidates are given,
    and ``keep``: below which either is taken back. ``least`` frames are needed, the last ``window`` count. ``correlation``: r of
    any two frames (docs/watching.md says how it was measured). ``cap``: the most log-odds of one frame (3 is 95 %).
    ``silence``: the log-odds against a card of a frame that names none; little, since a blur or a finger silences the right card
    too. One that has seen another printing of it counts as far as it is sure. ``twin``: the log-odds of a frame that tells twins
    apart (2.2 is 90 %).
    """

    confirm: float = 0.99
    lean: float = 0.75
    keep: float = 0.5
    least: int = 3
    window: int = 8
    correlation: float = 0.3
    cap: float = 3.0
    silence: float = 1.0
    twin: float = 2.2

    def __post_init__(self) -> None:
        if not 0.5 <= self.keep <= self.lean <= self.confirm < 1:
            raise ValueError(f"0.5 ≤ keep ≤ lean ≤ confirm < 1 must hold, not {self.keep}, {self.lean}, {self.confirm}")
        if not 2 <= self.least <= self.window:
            raise ValueError(f"least must be 2 to window ({self.window}), is {self.least}: one frame confirms nothing")
        if not 0 <= self.correlation <= 1:
            raise ValueError(f"correlation must be 0 to 1, is {self.correlation}")


@dataclass(frozen=True)
class Vote:
    """What one frame says of a card. ``cards``: those of the art, likeliest first; ``clear``: the first one beats its twins;
    ``other_printing``: it has the artwork of the first one, and is none of them."""

    art: str
    log_odds: float
    named: bool
    clear: bool
    cards: tuple[Card, ...]
    other_printing: bool = False


@dataclass(frozen=True)
class Belief:
    """What all frames say of a card.

    ``cards``: the card if confirmed, the candidates, likeliest first, if uncertain; if unknown, the one whose other printing it
    is, or none. ``art``: that of them, empty while in doubt. ``confidence``: the probability, 0..1, that the art of the first
    one is right.
    """

    state: State = State.UNKNOWN
    confidence: float = 0.0
    cards: tuple[Card, ...] = ()
    art: str = ""

    @property
    def told(self) -> tuple[str, str]:
        """What a person would be told: while this stays the same, there is nothing new to say."""
        one = self.state is not State.UNCERTAIN and self.cards
        return self.state.value, self.cards[0].card_id if one else self.art


def of_other_printing(state: State, cards: Sequence[Card]) -> bool:
    """Whether a card of which so much is known is an unknown printing of a known one, which is then the one of ``cards``."""
    return state is State.UNKNOWN and bool(cards)


def vote(reading: "Reading") -> Vote:
    """The vote of one frame's reading."""
    art = reading.card.art_group
    cards = {match.card.card_id: match.card for match in reading.matches if match.card.art_group == art}
    return Vote(
        art,
        log_odds(reading.confidence),
        reading.status is not Status.UNKNOWN,
        reading.status is Status.CONFIRMED,
        tuple(cards.values()),
        reading.other_printing,
    )


def log_odds(probability: float) -> float:
    """log(p / (1 - p)), finite."""
    kept = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(kept / (1 - kept))


def pooled(evidence: Sequence[float], correlation: float) -> float:
    """The log-odds of frames together, in any order; any two of them correlate. Nothing says nothing: 0."""
    return math.fsum(evidence) / (1 + (len(evidence) - 1) * correlation) if evidence else 0.0


def support(votes: Iterable[Vote], art: str, rules: Rules) -> float:
    """The log-odds that the card has this art."""
    return pooled([_evidence(each, art, rules) for each in votes], rules.correlation)


def believed(votes: Sequence[Vote], before: Belief, rules: Rules) -> Belief:
    """What the votes say, given what was believed before: an answer is harder to win than to keep."""
    if len(votes) < rules.least:
        return before
    arts = {each.art for each in votes if each.named} | ({before.art} if before.art else set())
    ranked = sorted((-support(votes, art, rules), art) for art in arts)
    if not ranked:
        return Belief(cards=_other_printing(votes, before))
    weight, art = -ranked[0][0], ranked[0][1]
    confidence = min(MOST, logistic(weight))
    if confidence >= (rules.keep if art == before.art else rules.confirm):
        clear, cards = _told_apart([each for each in votes if each.art == art], before, rules)
        state = State.CONFIRMED if clear else State.UNCERTAIN
        return Belief(state, confidence, cards, art)
    if len(votes) >= rules.window:
        leaning = before.state is State.UNCERTAIN and not before.art
        candidates = _cards_of(votes, [art for _, art in ranked if art == ranked[0][1] or not _gone(votes, art, rules)])
        if candidates and confidence >= (rules.keep if leaning else rules.lean):
            return Belief(State.UNCERTAIN, confidence, candidates[:CANDIDATES])
    return Belief(confidence=confidence, cards=_other_printing(votes, before))


def since_change(votes: Sequence[Vote], art: str, rules: Rules) -> Sequence[Vote]:
    """The votes on the card that is there now: the last ``least`` alone, if those would confirm another art than ``art``, or all
    call it another printing: most frames of a known card don't look at that, and would outvote those that do."""
    last = votes[-rules.least :]
    other = last[-1].art
    if not art or any(each.art != other for each in last):
        return votes
    if all(each.other_printing for each in last):
        return last
    sure = other != art and all(each.named for each in last) and logistic(support(last, other, rules)) >= rules.confirm
    return last if sure else votes


def _gone(votes: Sequence[Vote], art: str, rules: Rules) -> bool:
    """Whether each of the last ``least`` frames names another art: what lay there was taken away, and is no candidate now."""
    return all(each.named and each.art != art for each in votes[-rules.least :])


def _evidence(one: Vote, art: str, rules: Rules) -> float:
    if one.art == art:
        least = rules.cap if one.other_printing else rules.silence
        return min(max(one.log_odds, -least), rules.cap)
    return -min(max(one.log_odds, rules.silence), rules.cap) if one.named else -rules.silence


def _other_printing(votes: Sequence[Vote], before: Belief) -> tuple[Card, ...]:
    """The card of whose art most frames say that this is another printing; kept as long as any frame that counts says so."""
    held = before.cards if before.state is State.UNKNOWN else ()
    times = Counter(each.art for each in votes if each.other_printing)
    if held and times[held[0].art_group] and 2 * (times.total() - times[held[0].art_group]) <= len(votes):
        return held
    art, most = times.most_common(1)[0] if times else ("", 0)
    if 2 * most <= len(votes):
        return ()
    return (Counter(each.cards[0] for each in votes if each.other_printing and each.art == art).most_common(1)[0][0],)


def _told_apart(votes: Sequence[Vote], before: Belief, rules: Rules) -> tuple[bool, tuple[Card, ...]]:
    """Whether one of the twins is clearly the one, and that one; else the likeliest of them."""
    cards = _cards_of(votes, [each.art for each in votes[:1]])
    if len(cards) < 2:
        return True, cards
    weights = {card.card_id: pooled(_for_twin(votes, card, rules), rules.correlation) for card in cards}
    first = {card.card_id: sum(each.cards[0] == card for each in votes) for card in cards}
    ranked = sorted(cards, key=lambda card: (-weights[card.card_id], -first[card.card_id], card.card_id))
    best = ranked[0]
    held = before.state is State.CONFIRMED and before.cards[0] == best
    clear = logistic(weights[best.card_id]) >= (rules.keep if held else rules.confirm)
    return clear, (best,) if clear else tuple(ranked[:CANDIDATES])


def _for_twin(votes: Sequence[Vote], card: Card, rules: Rules) -> list[float]:
    return [(rules.twin if each.cards[0] == card else -rules.twin) if each.clear else 0.0 for each in votes]


def _cards_of(votes: Iterable[Vote], arts: Sequence[str]) -> tuple[Card, ...]:
    """The cards of the arts, in their order, each once."""
    found = {card.card_id: card for art in arts for each in votes if each.art == art for card in each.cards}
    return tuple(found.values())
