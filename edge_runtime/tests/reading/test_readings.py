"""Which readings of a photo stay."""

from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame
from edge_runtime.judging.decide import Status
from edge_runtime.reading.readings import (
    CLEAR,
    LESS_SIMILAR,
    NEAREST,
    SIMILAR_SIZE,
    WORTH_FITTING,
    Reading,
    Recognition,
    after_others,
    apart,
    by_confidence,
    known_corners,
    named_first,
    of_one_size,
    refused,
    settled,
)

FOX = Reading(
    Status.CONFIRMED, 0.97, full_frame(63, 88), (Match(Card("demo-1", "Amber Fox", "demo", "1", "fox"), 0.9, 1),), 0.9
)

HERON = (Match(Card("demo-2", "Blue Heron", "demo", "2", "heron"), 0.9, 2),)
LESS = (replace(FOX.matches[0], similarity=0.9 - LESS_SIMILAR - 0.01),)


def smaller(reading, share):
    """As far away as makes it take such a share of the area."""
    return replace(reading, corners=reading.corners * share**0.5)


@pytest.mark.parametrize(("share", "stays"), [(SIMILAR_SIZE - 0.02, False), (SIMILAR_SIZE + 0.02, True)])
def test_what_matches_nothing_stays_if_it_is_about_as_large_as_the_largest_card(share, stays):
    box = smaller(replace(FOX, status=Status.UNKNOWN, confidence=0.01), share)
    assert list(of_one_size([FOX, box])) == ([FOX, box] if stays else [FOX])
    assert list(of_one_size([])) == []


@pytest.mark.parametrize(
    "known", [FOX, replace(FOX, status=Status.UNKNOWN, other_printing=True)], ids=["named", "other printing"]
)
def test_a_card_that_is_known_stays_however_small(known):
    small = smaller(known, 0.01)
    assert list(of_one_size([FOX, small])) == [FOX, small]


@pytest.mark.parametrize(("inside", "lies_apart"), [(0, True), (0.4, True), (0.6, False), (1, False)])
def test_outlines_lie_apart_while_no_more_than_half_of_the_smaller_one_is_in_the_other(inside, lies_apart):
    large, small = full_frame(100, 140), full_frame(40, 56) + np.float32([100 - 40 * inside, 20])
    assert apart(small, [large]) is apart(large, [full_frame(10, 10) - 50, small]) is lies_apart


def test_a_photo_is_called_by_the_best_that_is_known_of_its_cards():
    unknown, uncertain = (replace(FOX, status=status) for status in (Status.UNKNOWN, Status.UNCERTAIN))
    said = [Recognition(cards).status for cards in ((), (unknown,), (unknown, uncertain), (unknown, FOX, uncertain))]
    assert said == ["no card", "unknown", "uncertain", "confirmed"]


@pytest.mark.parametrize(("before", "status"), [(0, Status.CONFIRMED), (2, Status.CONFIRMED), (3, Status.UNKNOWN)])
def test_of_each_outline_that_was_none_of_its_cards_before_a_name_has_to_be_the_surer(before, status):
    """Odds of 33 to 1, shared by four looks at one place, are 8 to 1."""
    said = after_others(FOX, [FOX.corners + 2] * before, accept=0.9)
    assert said.status is status
    assert said.confidence == pytest.approx(0.97 / (0.97 + (before + 1) * 0.03))


def test_what_was_no_card_elsewhere_counts_for_nothing_nor_does_a_part_of_the_card():
    inner = FOX.corners * 0.8
    said = after_others(FOX, [FOX.corners + 100, inner], accept=0.9)
    assert (said.status, said.confidence) == (FOX.status, FOX.confidence)
    stranger = replace(FOX, status=Status.UNKNOWN)
    assert after_others(stranger, [FOX.corners], accept=0.9) is stranger


def test_named_cards_come_first_then_other_printings_then_what_looks_most_like_a_whole_card():
    surer, alike = replace(FOX, confidence=0.99), replace(FOX, matches=LESS)
    printing = replace(FOX, status=Status.UNKNOWN, other_printing=True)
    large = replace(FOX, status=Status.UNKNOWN)
    small, faint = smaller(large, 0.5), replace(large, outline=0.5)
    ordered = [surer, FOX, alike, printing, large, replace(large, matches=LESS), small, faint]
    assert [id(each) for each in sorted(ordered[::-1], key=named_first)] == [id(each) for each in ordered]
    assert [id(each) for each in sorted(ordered[2::-1], key=by_confidence)] == [id(each) for each in ordered[:3]]


def prints(count, art="fox"):
    return tuple(Match(Card(f"{art}-{at}", "Fox", "demo", str(at), art), 0.9 - at / 100, at) for at in range(count))


def test_an_uncertain_card_may_be_each_print_of_its_art_and_of_any_other_the_nearest_cards_are_told():
    twins, others = prints(7), prints(7, "heron")
    uncertain = replace(FOX, status=Status.UNCERTAIN, matches=(*twins, *others))
    assert uncertain.candidates == twins
    assert replace(uncertain, status=Status.CONFIRMED).candidates == twins[:NEAREST]


@pytest.mark.parametrize(
    ("glance", "is_carried"),
    [
        ({"confidence": CLEAR}, True),
        ({"confidence": CLEAR - 0.01}, False),
        ({"judged": True}, False),
        ({"matches": HERON}, False),
        ({"matches": LESS}, False),
    ],
    ids=["as before", "in doubt", "settled by itself", "another card", "less similar"],
)
def test_which_twin_a_followed_card_is_is_taken_over_where_a_glance_has_no_doubt_of_the_artwork(glance, is_carried):
    seen = replace(FOX, corners=FOX.corners + 3, outline=0.7, **glance)
    now = FOX.carried_to(seen)
    assert (now is not None) is is_carried
    if now is not None:
        assert (now.status, now.outline, now.judged, now.carried) == (FOX.status, 0.7, True, True)
        assert now.corners is seen.corners


@pytest.mark.parametrize(
    ("others", "is_settled"),
    [([], True), ([WORTH_FITTING - 0.01], True), ([0.01, WORTH_FITTING], False)],
    ids=["alone", "beside nothing", "beside what may be a card"],
)
def test_a_photo_is_settled_once_a_card_is_known_and_nothing_else_looks_like_one(others, is_settled):
    left = [replace(FOX, status=Status.UNKNOWN, confidence=each) for each in others]
    printing = replace(FOX, status=Status.UNKNOWN, other_printing=True)
    assert settled([FOX, *left]) is settled([printing, *left]) is is_settled
    assert not settled(left)


def test_a_card_is_known_once_it_was_judged_and_named_or_found_to_be_another_printing():
    named, printing, left = (
        replace(FOX, judged=True, corners=FOX.corners + at, **told)
        for at, told in enumerate(({}, {"status": Status.UNKNOWN, "other_printing": True}, {"status": Status.UNKNOWN}))
    )
    known = known_corners([named, printing, left, replace(FOX, judged=False)])
    assert [corners is each.corners for corners, each in zip(known, (named, printing), strict=True)] == [True, True]


def test_a_card_that_is_refused_is_unknown_beyond_doubt():
    assert (refused(FOX).status, refused(FOX).confidence) == (Status.UNKNOWN, 0.0)
