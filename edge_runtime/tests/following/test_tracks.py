"""Cards followed from frame to frame. A frame is a list of readings; time counts in tenths of a second."""

from collections import Counter
from dataclasses import replace

import pytest
from seen import FOX, HERON, LEFT, REPRINT, RIGHT, reading, stranger, watched

from edge_runtime.following.belief import Rules, State
from edge_runtime.following.tracks import Kind, Tracker
from edge_runtime.judging.decide import Status


def told(events):
    """Kind and card ids of each event."""
    return [(event.kind.value, *(card.card_id for card in event.cards)) for event in events]


def test_a_card_appears_is_confirmed_and_leaves():
    events = watched([[reading(FOX)]] * 5 + [[]] * 30)
    assert told(events) == [("appeared",), ("confirmed", "demo-1"), ("left", "demo-1")]
    assert [event.time for event in events] == [0.1, 0.2, 2.5]
    assert {event.stay for event in events} == {1}
    assert events[1].corners[0].tolist() == list(LEFT)


def test_a_flicker_is_not_worth_a_word():
    assert watched([[], [reading(FOX)]] + [[]] * 98) == []


def test_stays_are_counted_without_flickers():
    frames = [[stranger((40 * n, 300))] for n in range(0, 40, 4)] + [[reading(FOX)]] * 3
    assert {event.stay for event in watched(frames)} == {1}


def test_one_frame_that_misreads_a_card_changes_nothing():
    frames = [[reading(FOX)]] * 4 + [[reading(HERON)]] + [[reading(FOX)]] * 10
    assert told(watched(frames)) == [("appeared",), ("confirmed", "demo-1")]


def test_one_flickering_frame_does_not_name_a_stranger():
    frames = [[stranger()]] * 6 + [[reading(HERON, confidence=1.0)]] + [[stranger()]] * 10
    events = watched(frames)
    assert told(events) == [("appeared",)]
    assert events[0].state is State.UNKNOWN


def test_twins_settle_to_uncertain_with_their_candidates():
    by_turns = [[reading(FOX, twins=[REPRINT])], [reading(REPRINT, twins=[FOX])]] * 8
    assert told(watched(by_turns)) == [("appeared",), ("changed", "demo-1", "echo-9")]
    alike = [[reading(FOX, twins=[REPRINT], status=Status.UNCERTAIN)]] * 8
    assert told(watched(alike)) == [("appeared",), ("changed", "demo-1", "echo-9")]


def test_a_twin_that_was_taken_over_from_the_frame_before_is_no_evidence_but_tells_where_it_lies():
    tracker = Tracker()
    watched([[reading(FOX, twins=[REPRINT])]] * 8, tracker)
    (track,) = tracker.tracks
    votes = track.votes
    moved = replace(reading(REPRINT, RIGHT, twins=[FOX]), carried=True)
    assert watched([[moved]] * 20, tracker, start=8) == []
    assert track.votes == votes
    assert track.corners[0].tolist() == list(RIGHT)


@pytest.mark.parametrize(
    ("last", "unchanged"),
    [
        pytest.param(reading(FOX, twins=[REPRINT]), True, id="the same"),
        pytest.param(reading(REPRINT, twins=[FOX]), False, id="its twin"),
        pytest.param(reading(FOX, twins=[REPRINT], status=Status.UNCERTAIN), False, id="one of both"),
        pytest.param(stranger(), False, id="no card that is known"),
        pytest.param(reading(FOX, confidence=0.1, status=Status.UNKNOWN), False, id="hardly the same"),
    ],
)
def test_what_is_confirmed_is_unchanged_until_a_look_says_otherwise(last, unchanged):
    tracker = Tracker()
    watched([[reading(FOX, twins=[REPRINT])]] * 8, tracker)
    watched([[last]], tracker, start=8)
    assert tracker.unchanged is unchanged


def test_twins_that_cannot_be_told_apart_are_unchanged_until_another_card_is_seen():
    tracker, twins = Tracker(), reading(FOX, twins=[REPRINT], status=Status.UNCERTAIN)
    watched([[twins]] * 7, tracker)
    assert not tracker.unchanged, "not all frames that count are read"
    watched([[twins]], tracker, start=7)
    assert tracker.unchanged
    watched([[reading(HERON, status=Status.UNCERTAIN)]], tracker, start=8)
    assert not tracker.tracks[0].unchanged


def test_an_unknown_card_that_has_a_name_is_told_as_another_printing():
    printing = replace(reading(FOX, status=Status.UNKNOWN, confidence=0.05), other_printing=True)
    events = [watched([[each]] * 4)[-1] for each in (reading(FOX), stranger(), printing)]
    assert [event.as_json()["other_printing"] for event in events] == [False, False, True]


def test_by_other_rules_another_number_of_frames_confirms_a_card():
    events = watched([[reading(FOX)]] * 6, Tracker(Rules(least=5)))
    assert [(event.kind, event.time) for event in events] == [(Kind.APPEARED, 0.1), (Kind.CONFIRMED, 0.4)]


def test_another_card_in_the_same_place_is_a_change():
    frames = [[reading(FOX)]] * 20 + [[reading(HERON)]] * 5
    events = watched(frames)
    assert told(events) == [("appeared",), ("confirmed", "demo-1"), ("changed", "demo-2")]
    assert events[-1].time == pytest.approx(2.2)


def test_the_place_of_a_card_that_is_gone_is_not_kept_for_long():
    frames = [[reading(FOX)]] * 5 + [[]] * 5 + [[reading(HERON)]] * 20
    assert told(watched(frames)) == [
        ("appeared",),
        ("confirmed", "demo-1"),
        ("appeared",),
        ("confirmed", "demo-2"),
        ("left", "demo-1"),
    ]
    blurred = [[reading(FOX)]] * 5 + [[]] * 3 + [[stranger()]] + [[reading(FOX)]] * 20
    assert told(watched(blurred)) == [("appeared",), ("confirmed", "demo-1")]
    unknown = [[stranger()]] * 5 + [[]] * 10 + [[stranger()]] * 20
    assert told(watched(unknown)) == [("appeared",)]


def test_a_stranger_in_the_place_of_a_card_makes_it_unknown():
    assert told(watched([[reading(FOX)]] * 10 + [[stranger()]] * 10)) == [
        ("appeared",),
        ("confirmed", "demo-1"),
        ("changed",),
    ]


def test_a_card_that_comes_back_at_once_never_left_and_one_that_comes_back_later_is_a_new_one():
    briefly = [[reading(FOX)]] * 5 + [[]] * 15 + [[reading(FOX)]] * 5
    assert told(watched(briefly)) == [("appeared",), ("confirmed", "demo-1")]
    long = [[reading(FOX)]] * 5 + [[]] * 25 + [[reading(FOX)]] * 5
    events = watched(long)
    assert told(events) == [*told(watched(long[:30])), ("appeared",), ("confirmed", "demo-1")]
    assert [event.stay for event in events] == [1, 1, 1, 2, 2]
    assert told(watched(briefly, Tracker(leave=1.0)))[2:] == [
        ("left", "demo-1"),
        ("appeared",),
        ("confirmed", "demo-1"),
    ]


def test_a_camera_that_was_away_says_nothing_about_the_cards():
    tracker = Tracker()
    watched([[reading(FOX)]] * 5, tracker)
    assert watched([[reading(FOX)]] * 3, tracker, start=600) == []


def test_two_cards_are_followed_apart():
    events = watched([[reading(FOX, LEFT), reading(HERON, RIGHT)]] * 4)
    assert sorted(told(events)) == [("appeared",), ("appeared",), ("confirmed", "demo-1"), ("confirmed", "demo-2")]
    assert {event.stay: event.cards[0].card_id for event in events if event.cards} == {1: "demo-1", 2: "demo-2"}


def test_two_copies_of_one_card_are_two():
    events = watched([[reading(FOX, LEFT), reading(FOX, RIGHT)]] * 4)
    assert Counter(event.kind for event in events) == {Kind.APPEARED: 2, Kind.CONFIRMED: 2}


def test_of_two_copies_the_one_that_is_taken_away_leaves():
    events = watched([[reading(FOX, LEFT), reading(FOX, RIGHT)]] * 4 + [[reading(FOX, LEFT)]] * 25)
    assert told(events[4:]) == [("left", "demo-1")]
    assert events[-1].corners[0].tolist() == list(RIGHT)


def test_a_stranger_that_looks_a_little_like_a_card_is_not_followed_as_that_card():
    events = watched([[reading(HERON, LEFT)]] * 4 + [[stranger((400, 400))]] * 25)
    assert told(events) == [("appeared",), ("confirmed", "demo-2"), ("appeared",), ("left", "demo-2")]


def test_a_stranger_is_settled_once_as_many_frames_were_read_as_count():
    tracker = Tracker()
    watched([[stranger()]] * (Rules().window - 1), tracker)
    assert not tracker.settled
    watched([[stranger()]], tracker, start=Rules().window)
    assert tracker.settled


def test_a_scene_is_settled_once_each_of_its_cards_is():
    tracker = Tracker()
    watched([[reading(FOX, LEFT)]] * 4, tracker)
    watched([[reading(FOX, LEFT), reading(HERON, RIGHT)]], tracker, start=4)
    assert not tracker.settled
    watched([[reading(FOX, LEFT), reading(HERON, RIGHT)]] * 2, tracker, start=5)
    assert tracker.settled


def test_a_card_is_followed_across_the_table():
    frames = [[reading(FOX, (100 + 300 * (n % 2), 100 + 20 * n))] for n in range(20)]
    assert told(watched(frames)) == [("appeared",), ("confirmed", "demo-1")]


@pytest.mark.parametrize(("right", "down"), [(30, 0), (0, 30)])
def test_an_unknown_card_is_followed_while_it_moves_by_less_than_half_of_itself(right, down):
    assert told(watched([[stranger((100 + right * n, 100 + down * n))] for n in range(20)])) == [("appeared",)]


def test_a_shaken_camera_swaps_no_neighbours():
    width = RIGHT[0] - LEFT[0]
    shake = [0, 0, 0, 0, width, 0, -width, width, 0, 0]
    frames = [[reading(FOX, (LEFT[0] + by, 100)), reading(HERON, (RIGHT[0] + by, 100))] for by in shake]
    assert len(watched(frames)) == 4


def test_nothing_is_said_of_a_still_scene_but_that_a_card_left():
    tracker = Tracker()
    watched([[reading(FOX)]] * 5, tracker)
    assert tracker.settled
    assert [tracker.still(number / 10) for number in range(5, 100)] == [[]] * 95
    tracker.update([], 10.0)
    assert not tracker.settled
    assert told(tracker.still(12.0)) == [("left", "demo-1")]


def test_the_same_frame_again_is_no_further_evidence():
    tracker = Tracker()
    tracker.update([reading(FOX)], 0.0)
    for number in range(1, 50):
        assert tracker.still(number / 10) == []
    assert tracker.tracks[0].seen == 1


def test_the_state_of_the_scene_is_the_best_of_its_cards():
    tracker = Tracker()
    assert tracker.state is State.NO_CARD
    watched([[stranger(LEFT)]], tracker)
    assert tracker.state is State.NO_CARD, "a single frame says nothing"
    watched([[stranger(LEFT)]] * 2, tracker, start=1)
    assert tracker.state is State.UNKNOWN
    watched([[stranger(LEFT), reading(FOX, RIGHT)]] * 3, tracker, start=3)
    assert tracker.state is State.CONFIRMED
    watched([[stranger(LEFT)]], tracker, start=6)
    assert tracker.state is State.UNKNOWN, "the other one is out of view"
    watched([[]] * 30, tracker, start=7)
    assert tracker.state is State.NO_CARD


@pytest.mark.parametrize(
    ("before", "read_anew", "news"),
    [
        (reading(FOX), reading(FOX), [("changed", "demo-1")]),
        (reading(FOX), reading(HERON), [("changed", "demo-2")]),
        (reading(FOX), stranger(), [("changed",)]),
        (stranger(), stranger(), []),
    ],
    ids=["the same card", "another card", "a card that is not known any more", "a stranger as before"],
)
def test_what_was_said_of_a_card_is_said_anew_after_it_was_forgotten(before, read_anew, news):
    """As when another release goes on with the cards in view: who listens learns what that one calls them."""
    tracker = Tracker()
    watched([[before]] * 5, tracker)
    tracker.forget()
    assert told(watched([[read_anew]] * 10, tracker, start=5)) == news


def test_time_that_runs_backwards_and_a_negative_absence_are_refused():
    tracker = Tracker()
    for _ in range(2):
        tracker.update([], 1.0)
    with pytest.raises(ValueError, match=r"runs backwards: from 1\.0 to 0\.5"):
        tracker.update([], 0.5)
    with pytest.raises(ValueError, match=r"runs backwards: from 1\.0 to 0\.9"):
        tracker.still(0.9)
    with pytest.raises(ValueError, match="0 seconds or more"):
        Tracker(leave=-1)
