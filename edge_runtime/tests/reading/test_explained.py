"""What the cards that were named explain, and which outlines are read next."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from edge_runtime.finding.locate import Quad
from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame, scaled
from edge_runtime.judging.decide import Status
from edge_runtime.reading.explained import AT_ONCE, Explained
from edge_runtime.reading.readings import Reading

CARD = full_frame(63, 88)
MATCHES = (Match(Card("demo-1", "Amber Fox", "demo", "1", "fox"), 0.9, 1),)
NAMED = Reading(Status.CONFIRMED, 0.97, CARD, MATCHES, 0.9, judged=True)
UNKNOWN = replace(NAMED, status=Status.UNKNOWN, confidence=0.1)


def explained(second_look=True):
    """Names are accepted from 0.9, and taken for sure at a glance from 0.99."""
    return Explained(SimpleNamespace(calibration=SimpleNamespace(accept=0.9, sure=0.99), second_look=second_look))


@pytest.mark.parametrize(
    ("reading", "takes"),
    [
        (NAMED, True),
        (replace(NAMED, confidence=0.85), False),
        (replace(NAMED, judged=False), False),
        (UNKNOWN, False),
        (replace(UNKNOWN, confidence=0.97), False),
        (replace(UNKNOWN, other_printing=True), True),
        (replace(UNKNOWN, carried=True), True),
    ],
    ids=["named", "weakly", "at a glance alone", "unknown", "surely unknown", "another printing", "unknown as before"],
)
def test_a_place_is_taken_by_a_card_of_which_is_known_what_it_is(reading, takes):
    inner = Quad(scaled(CARD, 0.8), 0.9)
    assert explained().left([inner], [reading]) == ([] if takes else [inner])


def test_without_a_second_look_a_name_has_to_be_surer():
    assert explained(second_look=None).places([NAMED]) == []
    assert len(explained(second_look=None).places([replace(NAMED, confidence=0.995)])) == 1


def test_a_few_outlines_that_lie_apart_are_read_at_once_and_those_beside_them_later():
    apart = [Quad(CARD + np.float32([100 * at, 0]), 0.9) for at in range(AT_ONCE + 2)]
    inside = Quad(scaled(apart[1].corners, 0.8), 0.8)
    now, later = explained().portion([apart[0], apart[1], inside, *apart[2:]], [NAMED])
    assert now == apart[1 : AT_ONCE + 1]  # the first one lies where a card was named
    assert later == [inside, apart[-1]]
