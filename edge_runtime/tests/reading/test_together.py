"""Which printings the cards on one photo are, seen together."""

from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame
from edge_runtime.judging.decide import Status
from edge_runtime.reading.readings import Reading
from edge_runtime.reading.together import among, seen_together

FOX = Reading(
    Status.CONFIRMED, 0.97, full_frame(63, 88), (Match(Card("demo-1", "Amber Fox", "demo", "1", "fox"), 0.9, 1),), 0.9
)


def page(*likely):
    """Cards that were looked at, each with how likely it is the printing that it is named as; from 0.5 it was named."""
    foreign = {"status": Status.UNKNOWN, "other_printing": True}
    return [replace(FOX, printing=each, **({} if each >= 0.5 else foreign)) for each in likely]


def named(readings):
    return [reading.status is not Status.UNKNOWN for reading in readings]


@pytest.mark.parametrize(
    ("likely", "stay"),
    [
        ([0.9], [True]),
        ([0.9, 0.05], [True, False]),
        ([0.9, *[0.05] * 8], [False, *[False] * 8]),
        ([0.99, *[0.05] * 8], [True, *[False] * 8]),
        ([0.9, 0.8, 0.7, 0.05, 0.05], [True, True, True, False, False]),
        ([0.9, 0.8, 0.7, *[0.05] * 20], [False] * 23),
    ],
    ids=["alone", "beside one", "among many", "surely itself", "mostly its kind", "some among many"],
)
def test_a_card_among_many_of_other_printings_must_be_all_the_likelier_itself(likely, stay):
    assert named(seen_together(page(*likely), lambda width: 0.6)) == stay


def test_a_card_that_is_refused_so_is_another_printing():
    among_many = seen_together(page(0.9, *[0.05] * 8), lambda width: 0.6)[0]
    assert (among_many.status, among_many.other_printing) == (Status.UNKNOWN, True)
    assert among_many.confidence == pytest.approx(among([0.9, *[0.05] * 8])[0])
    assert among_many.card.card_id == "demo-1"


def test_how_likely_it_has_to_be_depends_on_its_width():
    asked = []
    seen_together(page(0.9, 0.05), lambda width: asked.append(width) or 0.6)
    assert asked == [63]


def test_what_no_verifier_looked_at_stays_and_says_nothing_of_others():
    unseen = [replace(FOX, printing=None)] * 8
    assert seen_together(unseen, lambda width: 0.6) == unseen
    assert named(seen_together([*page(0.9, 0.05), *unseen], lambda width: 0.6)) == [True, False, *[True] * 8]


def test_no_company_makes_a_card_likelier():
    rng = np.random.default_rng(0)
    for _ in range(200):
        likely = rng.random(rng.integers(0, 40))
        assert (among(likely) <= likely).all()
    assert among([0.0, 1.0]).tolist() == [0.0, 1.0]
    np.testing.assert_allclose(among([0.6, 0.9, 0.8]), [0.6, 0.9, 0.8])
