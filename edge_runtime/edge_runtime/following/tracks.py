"""Cards followed from frame to frame: what lies there, and what happens to it. No threads, no clock: time is passed in.

>>> tracker = Tracker()                                                   # doctest: +SKIP
>>> for event in tracker.update(recognizer.recognize(frame).cards, time): # doctest: +SKIP
...     print(event.kind, event.cards)
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_runtime.following.belief import Belief, Rules, State, Vote, believed, of_other_printing, since_change, vote
from edge_runtime.gallery import Card
from edge_runtime.geometry import area, as_numbers
from edge_runtime.judging.decide import Status

if TYPE_CHECKING:
    from edge_runtime.reading.readings import Reading

LEAVE = 2.0
"""Seconds unseen after which a card has left; one that comes back later is a new one."""
APPEAR = 2
"""Frames in which a card is seen before it is spoken of: an outline of a single frame is noise."""
REACH = 0.6
"""How far a card's centre may move between two frames to be the same place, in card sizes (the root of its area). Cards
side by side are 0.85 apart."""
KEPT = 3
"""Frames unseen for which the place of a card that is known is kept for it. What lies there later is another one, unless it
is read as that card again."""
MOST_TRACKS = 64
"""Cards followed at once; further ones wait."""


class Kind(StrEnum):
    """What happened."""

    APPEARED = "appeared"
    CONFIRMED = "confirmed"
    CHANGED = "changed"
    LEFT = "left"


@dataclass(frozen=True)
class Event:
    """Something that happened to one card, said once.

    ``stay``: the number of this card's stay, from 1. A stay appears once, is confirmed at most once, leaves at most once;
    it changes when something else is known of it: candidates, another card in its place, or nothing any more; or when it was
    forgotten and is read anew, perhaps as the same.
    ``cards``: the card if confirmed, candidates if uncertain, if unknown the one whose other printing it is. ``corners``
    float32 4×2, where it was last seen.
    """

    kind: Kind
    time: float
    stay: int
    state: State
    confidence: float
    cards: tuple[Card, ...]
    corners: np.ndarray = field(compare=False)

    @property
    def other_printing(self) -> bool:
        """Whether it is an unknown printing of a known card, which is then the one of ``cards``."""
        return of_other_printing(self.state, self.cards)

    def as_json(self) -> dict[str, Any]:
        """What is known of the card, as a JSON value: what happened, and when, is for whoever tells of it to say."""
        return _known(self.stay, self.state, self.confidence, self.cards, self.corners)


@dataclass(eq=False)
class Track:
    """One card's stay. It has a number once it has appeared."""

    corners: np.ndarray
    number: int = 0
    votes: tuple[Vote, ...] = ()
    belief: Belief = field(default_factory=Belief)
    told: tuple[str, str] | None = Belief().told
    """What was last said of it; None where that is to be said anew."""
    seen: int = 0
    missing_since: float | None = None
    missed: int = 0
    unnamed: int = 0
    """Frames in a row on which it was seen, and nothing named it."""
    confirmed: bool = False

    @property
    def art(self) -> str:
        """The art that this card has, as far as is known."""
        return self.belief.art or (self.votes[-1].art if self.votes and self.votes[-1].named else "")

    @property
    def last_name(self) -> str:
        """The art that the last of the frames that count gave it which name one; empty where none does."""
        return next((vote.art for vote in reversed(self.votes) if vote.named), "")

    @property
    def known(self) -> bool:
        """Whether its art is known, and the last frame spoke of nothing else in its place: no other art, no other printing."""
        last = self.votes[-1] if self.belief.art else None
        return last is not None and not last.other_printing and (last.art == self.belief.art or not last.named)

    @property
    def unchanged(self) -> bool:
        """Whether the last look at it said what is believed: that card, or that its twins can't be told apart."""
        last = self.votes[-1] if self.belief.art else None
        if last is None or not last.named or last.art != self.belief.art:
            return False
        confirmed = self.belief.state is State.CONFIRMED
        return last.clear is confirmed and (not confirmed or last.cards[0] == self.belief.cards[0])

    def given_up(self, rules: Rules) -> bool:
        """Whether none of the frames that count names it."""
        return len(self.votes) >= rules.window and not any(vote.named for vote in self.votes)

    def settled(self, rules: Rules) -> bool:
        """Whether another frame of the same would tell nothing new: the last ones name what is confirmed, or all that count
        say the same. Something else in its place is not settled while what was confirmed before still stands."""
        said = [each.art if each.named else "" for each in self.votes]
        confirmed = self.belief.state is State.CONFIRMED and set(said[-rules.least :]) == {self.belief.art}
        return self.missing_since is None and (confirmed or (len(said) >= rules.window and len(set(said)) == 1))

    def event(self, kind: Kind, time: float) -> Event:
        """What happened to it now."""
        belief = self.belief
        return Event(kind, time, self.number, belief.state, belief.confidence, belief.cards, self.corners)

    def as_json(self) -> dict[str, Any]:
        """What is known of the card now, as :meth:`Event.as_json` has it."""
        return _known(self.number, self.belief.state, self.belief.confidence, self.belief.cards, self.corners)


def _known(stay: int, state: State, confidence: float, cards: Sequence[Card], corners: np.ndarray) -> dict[str, Any]:
    return {
        "stay": stay,
        "status": state.value,
        "confidence": round(confidence, 4),
        "cards": [card.as_json() for card in cards],
        "other_printing": of_other_printing(state, cards),
        "corners": as_numbers(corners),
    }


class Tracker:
    """All cards in view."""

    def __init__(self, rules: Rules | None = None, leave: float = LEAVE):
        if not leave >= 0:
            raise ValueError(f"leave must be 0 seconds or more, is {leave}")
        self.rules = rules or Rules()
        self.leave = leave
        self.tracks: list[Track] = []
        self._stays = 0
        self._time = -math.inf

    @property
    def state(self) -> State:
        """The best that is known of a card in view, or ``no card``."""
        known = {track.belief.state for track in self.tracks if track.seen >= APPEAR and track.missing_since is None}
        return next((state for state in State if state in known), State.NO_CARD)

    @property
    def settled(self) -> bool:
        """Whether reading the same scene again would tell nothing new."""
        return all(track.settled(self.rules) for track in self.tracks)

    @property
    def unchanged(self) -> bool:
        """Whether all is settled, and the last look at each card said the same once more."""
        return self.settled and all(track.unchanged for track in self.tracks)

    def is_decided(self, track: Track) -> bool:
        """Whether its art is known, or that it is none that it knows."""
        return track.known or track.given_up(self.rules)

    def decided(self, readings: Iterable["Reading"]) -> list["Reading"]:
        """Those of the readings of the last frame that say of their card what is known of it."""
        known = {id(track.corners): track.known for track in self.tracks if self.is_decided(track)}
        return [each for each in readings if known.get(id(each.corners)) is (each.status is not Status.UNKNOWN)]

    def misses(self, readings: Iterable["Reading"]) -> bool:
        """Whether a card of the last frame may have been missed for want of effort: a known one is not seen; or one that is not
        known yet, but has a name by some of the frames that count, is read as neither that card nor another printing."""
        there, _ = paired(self.tracks, readings)
        return any(
            now is None or not (track.known or now.other_printing or _name(now) == track.last_name)
            for track, now in there
            if track.last_name and not track.missed
        )

    def update(self, readings: Iterable["Reading"], time: float) -> list[Event]:
        """What a frame's readings, in any order, change. ``time`` in seconds; ValueError if it runs backwards."""
        self._pass(time)
        there, others = paired(self.tracks, readings)
        events: list[Event] = []
        for track, now in there:
            if now is not None:
                events += self._seen(track, now, time)
            else:
                track.missing_since = time if track.missing_since is None else track.missing_since
                track.missed += 1
        for reading in others:
            if len(self.tracks) < MOST_TRACKS:
                self.tracks.append(Track(reading.corners))
                events += self._seen(self.tracks[-1], reading, time)
        return [*self._left(time), *events]

    def forget(self) -> None:
        """Let go of what is known of the cards in view. What was said of one is said anew, whatever it is by then; where they
        lie is kept, so each stay goes on."""
        for track in self.tracks:
            track.votes, track.belief, track.unnamed = (), Belief(), 0
            track.told = track.told if track.told == Belief().told else None

    def still(self, time: float) -> list[Event]:
        """Time passed and nothing moved: who was there still is. No evidence: the same frame says nothing twice."""
        self._pass(time)
        return self._left(time)

    def _pass(self, time: float) -> None:
        if not time >= self._time:
            raise ValueError(f"time runs backwards: from {self._time} to {time}")
        self._time = time

    def _seen(self, track: Track, reading: "Reading", time: float) -> list[Event]:
        track.corners, track.missing_since, track.missed = reading.corners, None, 0
        track.seen += 1
        track.unnamed = track.unnamed + 1 if reading.status is Status.UNKNOWN else 0
        if not reading.carried:
            votes = (*track.votes, vote(reading))[-self.rules.window :]
            track.votes = tuple(since_change(votes, track.belief.art, self.rules))
        events: list[Event] = []
        if track.seen == APPEAR:
            self._stays += 1
            track.number = self._stays
            events.append(track.event(Kind.APPEARED, time))
        track.belief = believed(track.votes, track.belief, self.rules)
        if track.belief.told == track.told or len(track.votes) < self.rules.least:
            return events
        track.told = track.belief.told
        first = track.belief.state is State.CONFIRMED and not track.confirmed
        track.confirmed |= first
        return [*events, track.event(Kind.CONFIRMED if first else Kind.CHANGED, time)]

    def _left(self, time: float) -> list[Event]:
        gone = [
            each for each in self.tracks if each.missing_since is not None and time - each.missing_since >= self.leave
        ]
        self.tracks = [track for track in self.tracks if track not in gone]
        return [track.event(Kind.LEFT, time) for track in gone if track.seen >= APPEAR]


def paired(
    tracks: Sequence[Track], readings: Iterable["Reading"]
) -> tuple[list[tuple[Track, "Reading | None"]], list["Reading"]]:
    """Each track with the reading that belongs to it, if one does, and the readings that belong to none. In whatever order the
    readings are given, the outcome is one.

    A reading that names a track's card belongs to it wherever it is, so a shaken camera swaps no neighbours; others belong
    to the track whose place they are in. The nearest pairs are made first.
    """
    placed = sorted(readings, key=lambda reading: (*_centre(reading.corners), -reading.confidence))
    places = [(*_centre(reading.corners), _name(reading)) for reading in placed]
    pairs: list[tuple[bool, float, int, int]] = []
    for row, track in enumerate(tracks):
        x, y = _centre(track.corners)
        size = math.sqrt(area(track.corners)) or 1.0
        reach = REACH if track.missed <= KEPT or not track.belief.art else 0.0
        for column, (other_x, other_y, name) in enumerate(places):
            apart = math.hypot(other_x - x, other_y - y) / size
            same = bool(name) and name == track.art
            if same or apart < reach:
                pairs.append((not same, apart, row, column))
    made: dict[int, Reading] = {}
    left = dict(enumerate(placed))
    for _, _, row, column in sorted(pairs):
        if row not in made and column in left:
            made[row] = left.pop(column)
    return [(track, made.get(row)) for row, track in enumerate(tracks)], [*left.values()]


def _name(reading: "Reading") -> str:
    return reading.card.art_group if reading.status is not Status.UNKNOWN else ""


def _centre(corners: np.ndarray) -> tuple[float, float]:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners.tolist()
    return (ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4
