"""Which readings of a photo stay."""

from dataclasses import replace

import pytest

from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame
from edge_runtime.judging.decide import Status
from edge_runtime.reading.readings import SIMILAR_SIZE, Reading, after_others, of_one_size

FOX = Reading(
    Status.CONFIRMED, 0.97, full_frame(63, 88), (Match(Card("demo-1", "Amber Fox", "demo", "1", "fox"), 0.9, 1),), 0.9
)


def smaller(reading, share):
    """As far away as makes it take such a share of the area."""
    return replace(reading, corners=reading.corners * share**0.5)


@pytest.mark.parametrize(("share", "stays"), [(SIMILAR_SIZE - 0.02, False), (SIMILAR_SIZE + 0.02, True)])
def test_what_matches_nothing_stays_if_it_is_about_as_large_as_the_largest_card(share, stays):
    box = smaller(replace(FOX, status=Status.UNKNOWN, confidence=0.01), share)
    assert list(of_one_size([FOX, box])) == ([FOX, box] if stays else [FOX])


@pytest.mark.parametrize(
    "known", [FOX, replace(FOX, status=Status.UNKNOWN, other_printing=True)], ids=["named", "other printing"]
)
def test_a_card_that_is_known_stays_however_small(known):
    small = smaller(known, 0.01)
    assert list(of_one_size([FOX, small])) == [FOX, small]


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
