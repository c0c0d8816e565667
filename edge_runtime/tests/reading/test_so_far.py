"""Which outlines are worth reading after what was read of a photo."""

from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.finding.locate import Quad
from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import turned
from edge_runtime.judging.decide import Status
from edge_runtime.reading.readings import Reading
from edge_runtime.reading.so_far import SoFar

CARD = np.array([[100, 100], [163, 100], [163, 188], [100, 188]], np.float32)
NEARBY = CARD + 4
ELSEWHERE = CARD + 200


def read(corners, confidence, card_id="demo-1"):
    matches = (Match(Card(card_id, "Amber Fox", "demo", "1", card_id), 0.4, 1),)
    return Reading(Status.UNKNOWN, confidence, corners, matches, 0.9)


def left(so_far, *outlines):
    return [quad.corners for quad in so_far.worth_reading([Quad(corners, 0.8) for corners in outlines])]


def test_an_outline_nearly_the_same_as_one_that_resembled_no_card_is_not_read_and_counts_as_that():
    so_far = SoFar()
    so_far.note([read(CARD, 0.001, "demo-1"), read(ELSEWHERE, 0.001, "demo-2")])
    assert left(so_far, NEARBY) == []
    added = so_far.readings[-1]
    assert (added.card.card_id, added.outline) == ("demo-1", 0.8)
    assert np.array_equal(added.corners, NEARBY)


def test_its_inner_frames_and_what_lies_elsewhere_are_read():
    so_far = SoFar()
    so_far.note([read(CARD, 0.001)])
    inner = CARD.mean(axis=0) + 0.8 * (CARD - CARD.mean(axis=0))
    assert [corners.tolist() for corners in left(so_far, inner, ELSEWHERE)] == [inner.tolist(), ELSEWHERE.tolist()]
    assert len(so_far.readings) == 1


@pytest.mark.parametrize("upright, headlong", [(0.5, 0.001), (0.001, 0.5), (0.03, 0.001)])
def test_one_that_promised_something_either_way_up_keeps_those_around_it_worth_reading(upright, headlong):
    so_far = SoFar()
    so_far.note([read(CARD, upright), read(turned(CARD, 2), headlong)])
    assert len(left(so_far, NEARBY)) == 1


def test_which_corner_comes_first_does_not_matter():
    so_far = SoFar()
    so_far.note([read(turned(CARD, 2), 0.001)])
    assert left(so_far, NEARBY) == []


def test_a_name_after_outlines_that_were_judged_in_vain_in_its_place_has_to_be_the_surer():
    so_far, card = SoFar(), replace(read(CARD, 0.97), status=Status.CONFIRMED)
    assert so_far.weighed(card, accept=0.9) is not card
    for vain in (read(CARD + 1, 0.3), read(ELSEWHERE, 0.3), read(CARD + 2, 0.3), read(CARD + 3, 0.3)):
        assert so_far.weighed(card, accept=0.9).status is Status.CONFIRMED
        so_far.weighed(vain, accept=0.9)
    assert so_far.weighed(card, accept=0.9).status is Status.UNKNOWN
    assert len(so_far.unnamed) == 5, "one that is not believed any more was in vain as well"


def test_another_printing_was_not_judged_in_vain_and_an_art_that_is_denied_is_heard():
    so_far = SoFar()
    so_far.weighed(replace(read(CARD, 0.1), other_printing=True), accept=0.9)
    assert (so_far.unnamed, so_far.readings) == ([], [])
    denies = replace(read(CARD, 0.0), denied={"demo-2": 45})
    so_far.weighed(denies, accept=0.9)
    assert so_far.readings == [denies]
