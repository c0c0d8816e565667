"""How hard each frame of a stream is looked at."""

from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.following.belief import Rules
from edge_runtime.following.scene import Scene
from edge_runtime.following.stillness import READS, Stillness
from edge_runtime.following.tracks import Kind
from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame
from edge_runtime.judging.decide import Status
from edge_runtime.reading.effort import Effort
from edge_runtime.reading.readings import Reading, Recognition
from edge_runtime.stream import OTHERS, PLAINLY, THOROUGH, Follower

FOX = Reading(
    Status.CONFIRMED, 0.97, full_frame(63, 88), (Match(Card("demo-1", "Amber Fox", "demo", "1", "fox"), 0.9),), 0.9
)
HERON = replace(FOX, matches=(Match(Card("demo-2", "Blue Heron", "demo", "2", "heron"), 0.9),))
ONE, PLAIN, ALL = Effort.ONE, Effort.PLAIN, Effort.THOROUGH
LEAST = Rules().least
"""Frames until a card is confirmed."""
WINDOW = Rules().window
"""Frames that count."""
FIRST = [ALL, *[PLAIN] * (LEAST - 1)]
"""How hard they are looked at."""
TABLE = np.full((48, 64, 3), 90, np.uint8)


STRANGER = replace(FOX, status=Status.UNKNOWN, confidence=0.1)


class Noting:
    """A recogniser that sees the card unless it is told not to, and notes how it was asked to look."""

    def __init__(self):
        self.efforts, self.sees, self.card = [], True, FOX
        self.beside = ()

    def recognize(self, image, *, effort, followed=()):
        self.efforts.append(effort)
        return Recognition((self.card, *self.beside) if self.sees else ())


@pytest.fixture
def looking():
    """A recogniser, and what looks with it at a scene that always moves: it is never spared."""
    recognizer = Noting()
    follower = recognizer.follower = Follower(recognizer)
    moves = iter(range(1000))

    def look(times):
        for at in (next(moves) for _ in range(times)):
            follower.look(TABLE + np.uint8(40 * (at % 2)), at / 10)
        return recognizer.efforts

    return recognizer, look


class StandingStill:
    """Follows cards that don't move."""

    def __init__(self):
        self.cards = ()

    def saw(self, cards, small):
        self.cards = cards

    def now(self, image, small):
        return self.cards


def test_a_known_card_is_now_and_then_looked_at_plainly_and_at_last_thoroughly(looking):
    _, look = looking
    efforts = look(1 + THOROUGH)
    assert efforts[:LEAST] == FIRST
    assert [number for number, effort in enumerate(efforts) if effort is PLAIN][LEAST - 1 :] == [8, 16, 24]
    assert efforts[-1] is ALL
    assert set(efforts[LEAST:-1]) == {ONE, PLAIN}


def test_of_four_frames_of_a_followed_card_one_is_searched_for_others_where_something_came(looking, monkeypatch):
    recognizer, look = looking
    monkeypatch.setattr(Scene, "changed", lambda *_: True)
    monkeypatch.setattr(recognizer.follower, "_following", StandingStill())
    efforts = look(1 + PLAINLY)
    assert [number for number, effort in enumerate(efforts) if effort > Effort.FOLLOWED] == [0, 1, 2, OTHERS, PLAINLY]
    assert (efforts[OTHERS], efforts[PLAINLY]) == (ONE, PLAIN)


def test_until_cards_are_known_one_frame_of_four_is_looked_at_thoroughly(looking):
    recognizer, look = looking
    recognizer.card = STRANGER
    assert look(WINDOW) == [ALL, PLAIN, PLAIN, PLAIN] * (WINDOW // OTHERS)


@pytest.mark.parametrize("comes", [True, False])
def test_a_card_that_is_unknown_on_all_frames_that_count_is_followed(looking, monkeypatch, comes):
    recognizer, look = looking
    monkeypatch.setattr(recognizer.follower, "_following", StandingStill())
    monkeypatch.setattr(Scene, "changed", lambda *_: comes)
    recognizer.card = STRANGER
    followed = [Effort.FOLLOWED] * (OTHERS - 1)
    searched = PLAIN if comes else Effort.FOLLOWED
    assert look(WINDOW + 2 * PLAINLY)[WINDOW:] == [searched, *followed, ALL, *followed] * 2


def test_what_may_have_been_laid_in_the_place_of_a_known_card_is_not_followed_until_it_is_known(looking, monkeypatch):
    recognizer, look = looking
    monkeypatch.setattr(recognizer.follower, "_following", StandingStill())
    look(LEAST)
    recognizer.card = HERON
    assert look(LEAST + 1)[LEAST:] == [Effort.SETTLED, ALL, PLAIN, Effort.SETTLED]


def test_what_was_called_another_printing_is_looked_at_anew(looking):
    recognizer, look = looking
    look(LEAST)
    recognizer.card = replace(STRANGER, other_printing=True)
    assert look(5)[LEAST:] == [ONE, ALL, PLAIN, PLAIN, PLAIN]


def test_a_blurred_frame_of_a_known_card_makes_no_difference(looking):
    recognizer, look = looking
    look(LEAST)
    recognizer.card = STRANGER
    look(1)
    recognizer.card = FOX
    assert look(1)[LEAST:] == [ONE, ONE]


def test_cards_beside_each_other_are_looked_for_together(looking):
    recognizer, look = looking
    recognizer.beside = (replace(FOX, corners=FOX.corners + 200),)
    assert look(LEAST + 2) == [*FIRST, Effort.QUICK, Effort.QUICK]


def test_a_frame_on_which_a_known_card_is_missed_is_looked_at_thoroughly_as_well(looking):
    recognizer, look = looking
    look(LEAST)
    recognizer.sees = False
    look(2)
    recognizer.sees = True
    assert look(2)[LEAST:] == [ONE, ALL, PLAIN, PLAIN, ONE]


def test_a_card_that_a_frame_named_and_that_is_not_known_yet_is_looked_at_thoroughly_until_it_is_named_again(looking):
    recognizer, look = looking
    look(1)
    recognizer.card = STRANGER
    assert look(2) == [ALL, *[PLAIN, ALL] * 2]
    recognizer.card = FOX
    assert look(1)[-1] is PLAIN


def test_a_still_scene_is_looked_at_a_few_times_at_last_thoroughly_and_then_spared():
    recognizer = Noting()
    follower = Follower(recognizer, stillness=Stillness())
    for at in range(10):
        follower.look(TABLE, at / 10)
    assert recognizer.efforts == [ALL, PLAIN, ALL]
    assert (follower.read, follower.spared) == (READS, 10 - READS)


def test_a_stranger_that_is_put_in_a_cards_place_is_read_until_the_card_is_taken_back():
    recognizer = Noting()
    follower = Follower(recognizer, stillness=Stillness())
    told = [event for at in range(40) for event in follower.look(TABLE, at / 10)]
    recognizer.card, other_table = STRANGER, TABLE + np.uint8(40)
    then = [event for at in range(40, 80) for event in follower.look(other_table, at / 10)]
    assert [event.kind for event in (*told, *then)] == [Kind.APPEARED, Kind.CONFIRMED, Kind.CHANGED]
    assert then[0].cards == ()
    assert then[0].time < 4.0 + follower.tracker.rules.window / 10
    assert follower.spared == 80 - READS - follower.tracker.rules.window


def test_a_still_scene_of_which_each_frame_says_something_else_is_spared_all_the_same():
    recognizer = Noting()
    follower = Follower(recognizer, stillness=Stillness())
    for at in range(40):
        recognizer.card = FOX if at % 2 else STRANGER
        follower.look(TABLE, at / 10)
    assert follower.read == follower.tracker.rules.window
