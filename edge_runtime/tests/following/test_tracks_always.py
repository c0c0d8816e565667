"""What holds of followed cards whatever is shown, by frames that hypothesis draws and by twenty thousand of them."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from seen import FOX, HERON, LEFT, REPRINT, RIGHT, reading, stranger, watched

from edge_runtime.following.belief import Rules
from edge_runtime.following.tracks import MOST_TRACKS, Kind, Tracker
from edge_runtime.judging.decide import Status

UNHURRIED = settings(deadline=None, database=None)
"""However slow the machine is just now, and without a folder of its own."""


cards = st.sampled_from([FOX, REPRINT, HERON])
readings = st.builds(
    reading,
    cards,
    st.sampled_from([LEFT, RIGHT, (110, 105), (400, 400)]),
    st.floats(0.0, 1.0, allow_subnormal=False),
    st.sampled_from(Status),
    st.lists(cards, max_size=1),
)
scenes = st.lists(st.tuples(st.lists(readings, max_size=3), st.integers(1, 8)), max_size=8).map(
    lambda shown: [frame for frame, times in shown for _ in range(times)]
)
"""Frames that stay for a while: of frames that each differ from the one before, none would ever confirm a card."""


@UNHURRIED
@given(scenes)
def test_each_stay_appears_first_is_confirmed_once_at_most_and_leaves_last(frames):
    events = watched(frames, Tracker(leave=0.5))
    for stay in {event.stay for event in events}:
        kinds = [event.kind for event in events if event.stay == stay]
        assert kinds[0] is Kind.APPEARED
        assert kinds.count(Kind.APPEARED) == 1
        assert kinds.count(Kind.CONFIRMED) <= 1
        assert Kind.LEFT not in kinds[:-1]


@UNHURRIED
@given(scenes, st.randoms(use_true_random=False))
def test_the_order_of_the_readings_of_a_frame_does_not_matter(frames, chance):
    distinct = [list({each.corners[0, 0].item(): each for each in frame}.values()) for frame in frames]
    shuffled = [chance.sample(frame, len(frame)) for frame in distinct]
    assert watched(distinct) == watched(shuffled)


@UNHURRIED
@given(scenes)
def test_a_confirmed_card_was_named_in_several_frames(frames):
    tracker = Tracker()
    for number, frame in enumerate(frames):
        for event in tracker.update(frame, number / 10):
            if event.kind is Kind.CONFIRMED:
                seen = frames[: number + 1]
                named = sum(any(r.card.art_group == event.cards[0].art_group for r in each) for each in seen)
                assert named >= Rules().least


def test_memory_stays_bounded_over_twenty_thousand_frames():
    chance = random.Random(0)
    pool = [reading(card, (80 * x, 100)) for card in (FOX, HERON) for x in range(12)]
    pool += [stranger((80 * x, 300)) for x in range(200)]
    tracker, most = Tracker(leave=0.5), 0
    for number in range(20_000):
        tracker.update([chance.choice(pool)] if number % 3 else [], number / 10)
        most = max(most, len(tracker.tracks))
    assert most <= MOST_TRACKS
    assert all(len(track.votes) <= Rules().window for track in tracker.tracks)


def test_more_cards_than_can_be_followed_wait():
    tracker = Tracker()
    tracker.update([stranger((100 * x, 0)) for x in range(MOST_TRACKS + 10)], 0.0)
    assert len(tracker.tracks) == MOST_TRACKS
