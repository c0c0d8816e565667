"""Cards that nothing names: followed in the end, as long as their place shows nothing else."""

import cv2
import pytest

from edge_runtime.following.belief import Rules
from edge_runtime.judging.decide import Status
from edge_runtime.reading.effort import Effort
from edge_runtime.stream import HOPELESS, OTHERS, PLAINLY, Follower


@pytest.fixture
def given_up(filming, stranger, photo_of):
    """One that has seen an unknown card on all frames that count, and follows it on the next three."""
    filming(photo_of(stranger), 1 + Rules().window)
    return filming


def test_it_is_read_where_it_lies_both_ways_up_and_not_looked_for(given_up, asked, stranger, photo_of):
    (track,) = given_up(photo_of(stranger), PLAINLY - OTHERS)
    assert asked[: OTHERS - 1] == [[Effort.FOLLOWED, 2]] * (OTHERS - 1)
    assert asked[-1][0] is Effort.THOROUGH
    assert not track.votes[-1].named


def test_a_known_card_in_its_place_is_named_in_the_very_frame(given_up, scans, photo_of):
    (track,) = given_up(photo_of(scans["demo-1"]))
    assert (track.votes[-1].art, track.votes[-1].named) == ("demo-1", True)


def test_a_known_card_is_looked_for_where_only_its_place_says_that_it_is_another(recognizer, scans, stranger, photo_of):
    """As when what is printed on both is alike, so that the one is followed to the other."""
    (unknown,) = recognizer.recognize(photo_of(stranger)).cards
    (now,) = recognizer.recognize(photo_of(scans["demo-1"]), effort=Effort.FOLLOWED, followed=[unknown]).cards
    assert (now.card.card_id, now.status, now.carried) == ("demo-1", Status.CONFIRMED, False)


def test_a_known_card_beside_it_is_found_a_few_frames_later(given_up, beside, stranger, photo_of):
    tracks = given_up(beside(photo_of(stranger)), OTHERS)
    assert {track.votes[-1].art for track in tracks if track.votes[-1].named} == {"demo-2"}


def test_a_known_card_beside_it_is_followed_with_it(filming, asked, beside, stranger, photo_of):
    both = beside(photo_of(stranger))
    tracks = filming(both, 2 + Rules().window)
    assert asked[-1] == [Effort.FOLLOWED, 3]
    assert {track.art for track in tracks} == {"", "demo-2"}


def test_nothing_is_said_of_it_as_long_as_it_stays(recognizer, stranger, photo_of):
    follower = Follower(recognizer)
    told = [event.kind for at in range(30) for event in follower.look(_lit(photo_of(stranger), at), at / 10)]
    assert told == ["appeared"]


def _lit(photo, at):
    return cv2.add(photo, (20 * (at % 2),) * 3)


def test_another_release_looks_at_it_as_often_as_at_a_new_one(filming, recognizer, stranger, photo_of):
    filming(photo_of(stranger), HOPELESS + 8)
    filming.follower.use(recognizer)
    assert [track.unnamed for track in filming.follower.tracker.tracks] == [0]
