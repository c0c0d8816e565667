"""Which frames are looked at quickly, and which thoroughly."""

import numpy as np
import pytest

from edge_runtime.decide import Status
from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame
from edge_runtime.readings import Reading, Recognition
from edge_runtime.stillness import READS, Stillness
from edge_runtime.stream import THOROUGH, Follower

FOX = Reading(
    Status.CONFIRMED, 0.97, full_frame(63, 88), (Match(Card("demo-1", "Amber Fox", "demo", "1", "fox"), 0.9),), 0.9
)
TABLE = np.full((48, 64, 3), 90, np.uint8)


class Noting:
    """A recogniser that sees the card unless it is told not to, and notes how it was asked to look."""

    def __init__(self):
        self.quick, self.sees = [], True

    def recognize(self, image, *, quick=False):
        self.quick.append(quick)
        return Recognition((FOX,) if self.sees else ())


@pytest.fixture
def looking():
    """A recogniser, and what looks with it at a scene that always moves: it is never spared."""
    recognizer = Noting()
    follower = Follower(recognizer)
    moves = iter(range(1000))

    def look(times):
        for at in (next(moves) for _ in range(times)):
            follower.look(TABLE + np.uint8(40 * (at % 2)), at / 10)
        return recognizer.quick

    return recognizer, look


def test_of_eight_frames_of_a_moving_scene_one_is_looked_at_thoroughly(looking):
    _, look = looking
    assert look(2 * THOROUGH) == [*[True] * (THOROUGH - 1), False] * 2


def test_after_a_card_was_missed_frames_are_looked_at_thoroughly_until_it_is_seen_again(looking):
    recognizer, look = looking
    look(2)
    recognizer.sees = False
    look(2)
    recognizer.sees = True
    assert look(2) == [True, True, True, False, False, True]


def test_the_last_look_at_a_still_scene_is_thorough():
    recognizer = Noting()
    follower = Follower(recognizer, stillness=Stillness())
    for at in range(10):
        follower.look(TABLE, at / 10)
    assert recognizer.quick == [*[True] * (READS - 1), False]
    assert (follower.read, follower.spared) == (READS, 10 - READS)
