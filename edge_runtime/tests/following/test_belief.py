"""What several frames of one card say together."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.following.belief import (
    CANDIDATES,
    Belief,
    Rules,
    State,
    Vote,
    believed,
    log_odds,
    pooled,
    since_change,
    support,
)
from edge_runtime.gallery import Card
from edge_runtime.judging.decide import logistic

RULES = Rules()
FOX = Card("demo-1", "Amber Fox", "demo", "1", "fox")
REPRINT = Card("echo-9", "Amber Fox", "echo", "9", "fox")
HERON = Card("demo-2", "Blue Heron", "demo", "2", "heron")

UNHURRIED = settings(deadline=None, database=None)
"""However slow the machine is just now, and without a folder of its own."""


def frame(card, confidence=0.97, *twins, clear=True):
    """A frame that names a card; among twins, clearly or not."""
    return Vote(card.art_group, log_odds(confidence), True, clear, (card, *twins))


def blur(card=HERON, confidence=0.1):
    """A frame that names nothing."""
    return Vote(card.art_group, log_odds(confidence), False, False, (card,))


def other_printing(card):
    """A frame that shows the artwork of a card, and another printing of it."""
    return Vote(card.art_group, log_odds(0.05), False, False, (card,), other_printing=True)


def after(*votes, before=None):
    return believed(votes, before or Belief(), RULES)


def test_three_good_frames_confirm_a_card():
    belief = after(*[frame(FOX)] * 3)
    assert (belief.state, belief.cards) == (State.CONFIRMED, (FOX,))
    assert belief.confidence > 0.99


def test_a_card_that_most_frames_call_another_printing_is_unknown_and_said_to_be_one():
    belief = after(*[other_printing(FOX)] * 3)
    assert (belief.state, belief.cards, belief.art) == (State.UNKNOWN, (FOX,), "")
    assert belief.told != Belief().told
    assert after(*[other_printing(FOX)] * 3, frame(FOX, 0.7)).cards == (FOX,)
    assert after(other_printing(FOX), other_printing(HERON), blur()).cards == ()
    assert after(*[other_printing(FOX)] * 4, *[blur()] * 4).cards == (), "half of them are not most"


def test_what_was_said_to_be_another_printing_stays_one_while_a_frame_says_so():
    believing = after(*[other_printing(FOX)] * 3)
    assert after(*[blur()] * 7, other_printing(FOX), before=believing).told == believing.told
    assert after(*[blur()] * 8, before=believing).cards == ()
    assert after(*[other_printing(HERON)] * 7, other_printing(FOX), before=believing).cards == (HERON,)
    assert after(*[other_printing(HERON)] * 4, *[other_printing(FOX)] * 4, before=believing).cards == (FOX,)
    confirmed = after(*[frame(FOX)] * 3)
    assert after(*[blur()] * 7, other_printing(FOX), before=confirmed).cards == (), "it was that very card before"


def test_which_of_several_twins_it_is_another_printing_of_is_said_once():
    believing = after(*[other_printing(FOX)] * 2, other_printing(REPRINT))
    assert believing.cards == (FOX,)
    assert after(other_printing(FOX), *[other_printing(REPRINT)] * 7, before=believing).told == believing.told
    assert after(*[other_printing(REPRINT)] * 8, before=believing).told == believing.told


def test_of_a_known_card_three_frames_that_call_it_another_printing_are_enough():
    seen = [*[frame(FOX)] * 5, *[other_printing(FOX)] * 3]
    assert since_change(seen, "fox", RULES) == seen[-3:]
    assert after(*seen[-3:], before=after(*seen[:5])).cards == (FOX,)
    for unmoved in (seen[:-1], [*seen, frame(FOX)], [*seen, other_printing(HERON)]):
        assert since_change(unmoved, "fox", RULES) == unmoved
    assert since_change(seen, "", RULES) == seen


def test_one_frame_confirms_nothing_however_sure_it_is():
    assert after(frame(FOX, 1.0)).state is State.UNKNOWN
    assert after(frame(FOX, 1.0), *[blur()] * 7).state is State.UNKNOWN
    with pytest.raises(ValueError, match="one frame confirms nothing"):
        Rules(least=1)


def test_the_less_sure_the_frames_the_more_of_them_it_takes():
    def needed(confidence):
        return next((n for n in range(3, 9) if after(*[frame(FOX, confidence)] * n).state is State.CONFIRMED), None)

    assert [needed(confidence) for confidence in (0.97, 0.9, 0.88, 0.8)] == [3, 4, 6, None]


def test_frames_that_agree_less_than_surely_leave_candidates_in_the_end():
    belief = after(*[frame(FOX, 0.7)] * 8)
    assert (belief.state, belief.cards) == (State.UNCERTAIN, (FOX,))
    assert 0.75 < belief.confidence < 0.99


def test_candidates_wait_until_all_frames_that_count_are_read_and_are_kept_while_the_frames_lean_to_them():
    assert after(*[frame(FOX, 0.7)] * 7).state is State.UNKNOWN
    candidates = after(*[frame(FOX, 0.7)] * 8)
    fewer = [*[frame(FOX, 0.7)] * 3, *[frame(FOX, 0.52)] * 5]
    assert after(*fewer).state is State.UNKNOWN
    assert after(*fewer, before=candidates).cards == (FOX,)


def test_what_was_known_but_for_its_printing_is_harder_to_win_for_another_card_than_candidates_are():
    twins = after(*[frame(FOX, 0.99, REPRINT, clear=False)] * 5)
    leaning = [*[frame(HERON, 0.7)] * 3, *[frame(HERON, 0.52)] * 5]
    assert after(*leaning, before=twins).state is State.UNKNOWN


def test_how_likely_the_first_art_is_is_told_of_an_unknown_card_too():
    seen = [frame(FOX, 0.7)] * 4
    assert after(*seen) == Belief(State.UNKNOWN, pytest.approx(logistic(support(seen, "fox", RULES))))


def test_a_card_that_was_taken_away_is_no_candidate_for_the_next_one():
    replaced = after(frame(FOX), *[frame(HERON, 0.8)] * 7)
    assert (replaced.state, replaced.cards) == (State.UNCERTAIN, (HERON,))
    flickering = after(*[frame(HERON, 0.8)] * 6, frame(FOX, 0.7), frame(HERON, 0.8))
    assert (flickering.state, flickering.cards) == (State.UNCERTAIN, (HERON, FOX))


def test_one_frame_counts_for_95_percent_at_most_and_one_that_names_nothing_counts_little_against_a_card():
    assert logistic(support([frame(FOX, 1.0)], "fox", RULES)) == pytest.approx(0.95, abs=0.005)
    assert support([blur(HERON, 0.96)], "fox", RULES) == -RULES.silence
    assert support([frame(HERON, 0.96)], "fox", RULES) == -RULES.cap


def test_frames_that_call_a_card_another_printing_outweigh_fewer_that_name_it():
    other = Vote("fox", log_odds(0.03), False, False, (FOX,), other_printing=True)
    belief = after(*[other, frame(FOX), other, other, frame(FOX), other, frame(FOX), other])
    assert (belief.state, belief.cards) == (State.UNKNOWN, (FOX,))


def test_a_card_that_no_frame_names_stays_unknown():
    assert after(*[blur()] * 8) == Belief()


def test_frames_that_name_this_and_that_confirm_neither():
    assert after(*[frame(FOX), frame(HERON)] * 4).state is State.UNKNOWN


def test_twins_that_no_frame_tells_apart_are_uncertain_with_both_as_candidates():
    belief = after(*[frame(FOX, 0.99, REPRINT, clear=False)] * 5)
    assert (belief.state, belief.cards, belief.art) == (State.UNCERTAIN, (FOX, REPRINT), "fox")


def test_twins_that_win_by_turns_are_uncertain_and_which_is_ahead_is_no_news():
    ahead, behind = frame(FOX, 0.99, REPRINT), frame(REPRINT, 0.99, FOX)
    belief, other = after(*[ahead] * 5, *[behind] * 3), after(*[ahead] * 3, *[behind] * 5)
    assert belief.state is other.state is State.UNCERTAIN
    assert (belief.cards, other.cards) == ((FOX, REPRINT), (REPRINT, FOX))
    assert belief.told == other.told


def test_a_twin_that_wins_each_time_is_confirmed_and_kept_if_it_loses_once():
    wins, loses = frame(REPRINT, 0.99, FOX), frame(FOX, 0.99, REPRINT)
    assert after(*[wins] * 3).state is State.UNCERTAIN
    confirmed = after(*[wins] * 4)
    assert (confirmed.state, confirmed.cards) == (State.CONFIRMED, (REPRINT,))
    assert after(*[wins] * 7, loses, before=confirmed).cards == (REPRINT,)
    assert after(*[wins] * 7, loses).state is State.UNCERTAIN
    assert after(*[wins] * 3, *[loses] * 5, before=confirmed).state is State.UNCERTAIN, "not yet the other"


def test_a_twin_of_many_is_confirmed_wherever_the_first_frame_lists_it():
    prints = [Card(f"echo-{number}", "Amber Fox", "echo", str(number), "fox") for number in range(10)]
    doubtful, wins = frame(prints[0], 0.99, *prints[1:], clear=False), frame(prints[9], 0.99, *prints[:9])
    belief = after(doubtful, *[wins] * 7)
    assert (belief.state, belief.cards) == (State.CONFIRMED, (prints[9],))
    unsure = after(doubtful, *[frame(prints[9], 0.99, *prints[:9], clear=False)] * 7)
    assert (unsure.state, unsure.cards[0], len(unsure.cards)) == (State.UNCERTAIN, prints[9], CANDIDATES)


def test_an_answer_is_kept_through_blurred_frames_that_could_not_win_it():
    votes = [*[frame(FOX)] * 3, *[blur()] * 5]
    assert after(*votes).state is not State.CONFIRMED
    held = after(*votes, before=after(*[frame(FOX)] * 3))
    assert (held.state, held.cards) == (State.CONFIRMED, (FOX,))
    assert after(*[blur()] * 8, before=held).state is State.UNKNOWN
    assert after(*[blur(FOX, 0.9)] * 8, before=held).cards == (FOX,)


def test_three_sure_frames_of_another_card_make_what_was_read_before_them_worth_nothing():
    votes = [*[frame(FOX)] * 5, *[frame(HERON)] * 3]
    assert since_change(votes, "fox", RULES) == [frame(HERON)] * 3
    assert since_change(votes[:-1], "fox", RULES) == votes[:-1]
    unsure = [*[frame(FOX)] * 5, *[frame(HERON, 0.7)] * 3]
    assert since_change(unsure, "fox", RULES) == unsure


def test_frames_of_the_same_card_and_frames_that_name_none_make_no_change():
    doubtful = [blur(HERON, 0.97), frame(HERON), blur(HERON, 0.97)]
    for votes in ([frame(FOX)] * 8, [*[frame(FOX)] * 5, *doubtful], [*[frame(FOX)] * 5, *doubtful[:1] * 3]):
        assert since_change(votes, "fox", RULES) == votes
    first = [*[blur()] * 5, *[frame(HERON)] * 3]
    assert since_change(first, "", RULES) == first


def test_frames_that_do_not_correlate_add_up_and_copies_of_one_frame_say_no_more_than_it():
    assert pooled([1.0, 2.0, 3.0], 0.0) == 6.0
    assert pooled([2.0] * 50, 1.0) == pytest.approx(2.0)
    assert pooled([], 1.0) == 0.0


def test_the_discount_is_that_of_gaussian_observations_that_correlate():
    """Against the joint density, computed from the covariance matrix."""
    import numpy as np

    seen, mean, correlation = np.array([0.3, 1.1, -0.4, 0.9]), 0.8, 0.2
    covariance = np.full((4, 4), correlation) + (1 - correlation) * np.eye(4)
    inverse = np.linalg.inv(covariance)

    def joint(at):
        return -0.5 * (seen - at) @ inverse @ (seen - at)

    singly = [-0.5 * ((x - mean) ** 2 - (x + mean) ** 2) for x in seen]
    assert joint(mean) - joint(-mean) == pytest.approx(pooled(singly, correlation))


votes = st.one_of(
    st.builds(frame, st.sampled_from([FOX, HERON]), st.floats(0.5, 1.0)),
    st.builds(blur, st.sampled_from([FOX, HERON]), st.floats(0.0, 0.5, allow_subnormal=False)),
)


@UNHURRIED
@given(st.lists(votes, min_size=1, max_size=8))
def test_no_card_is_believed_more_than_frames_that_correlate_allow(seen):
    weight = support(seen, "fox", RULES)
    assert abs(weight) <= RULES.cap / RULES.correlation
    assert support(seen, "fox", RULES) + support(seen, "heron", RULES) <= 1e-9


@UNHURRIED
@given(st.lists(votes, min_size=3, max_size=5))
def test_the_order_of_frames_does_not_matter_to_a_first_answer(seen):
    answers = {believed(order, Belief(), RULES) for order in permutations(seen)}
    assert len(answers) == 1


@UNHURRIED
@given(st.lists(votes, min_size=3, max_size=8), votes)
def test_another_frame_that_names_a_card_never_speaks_against_it_more_than_one_that_does_not(seen, last):
    named = support([*seen, frame(FOX)], "fox", RULES)
    assert named >= support([*seen, last], "fox", RULES) - 1e-9 or last.log_odds > log_odds(0.97)


def test_rules_that_contradict_themselves_are_refused():
    for wrong in ({"keep": 0.4}, {"lean": 0.995}, {"confirm": 1.0}, {"least": 9}, {"correlation": 1.5}):
        with pytest.raises(ValueError, match="must"):
            Rules(**wrong)


@pytest.mark.parametrize("probability", [0.0, 1.0, 0.3])
def test_log_odds_are_finite_and_the_logistic_curve_undoes_them(probability):
    assert logistic(log_odds(probability)) == pytest.approx(probability, abs=1e-8)
