"""Which readings of a photo stay."""

from dataclasses import replace

import pytest

from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame
from edge_runtime.judging.decide import Status
from edge_runtime.reading.readings import SIMILAR_SIZE, Reading, of_one_size

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
