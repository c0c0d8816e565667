"""From evidence to a confidence."""

import json
import math
from dataclasses import replace

import pytest

from edge_runtime.gallery import Card, Match
from edge_runtime.judging.decide import Calibration, Evidence, at_a_glance, denied, logistic

CALIBRATION = Calibration(
    glance=(-10.0, 12.0, 20.0), look=(-9.0, 0.0, 0.0, 2.0, 2.0), accept=0.9, sure=0.99, twin_margin=0.02, twin_lead=0.1
)


def match(number, art, similarity):
    return Match(Card(f"c-{number}", f"C{number}", "demo", str(number), art), similarity)


def test_the_lead_is_over_the_best_card_with_other_art():
    evidence = at_a_glance([match(1, "a", 0.9), match(2, "a", 0.89), match(3, "b", 0.5)])
    assert evidence == Evidence(0.9, pytest.approx(0.4))


def test_a_card_without_rivals_leads_by_all_there_is():
    assert at_a_glance([match(1, "a", 0.9)]).lead == pytest.approx(1.9)
    assert CALIBRATION.confidence(at_a_glance([])) < 1e-6


def test_more_similarity_and_more_lead_are_more_confidence():
    low, similar, ahead = (CALIBRATION.confidence(Evidence(*pair)) for pair in ((0.6, 0.1), (0.8, 0.1), (0.6, 0.3)))
    assert low < similar < 1
    assert low < ahead < 1


def test_a_second_look_counts_points_and_rivals():
    assert CALIBRATION.confidence(Evidence(0.5, 0.0, points=60, rival=6, alike=0.8)) > 0.9
    assert CALIBRATION.confidence(Evidence(0.9, 0.5, points=8, rival=8)) < 0.1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_no_evidence(value):
    assert CALIBRATION.confidence(Evidence(value, 0.0)) == 0.0


def test_a_calibration_survives_json():
    assert Calibration.from_json(CALIBRATION.as_json()) == CALIBRATION
    assert json.loads(json.dumps(CALIBRATION.as_json())) == CALIBRATION.as_json()
    for terms in (6, 8):
        longer = replace(CALIBRATION, look=(1.0,) * terms)
        assert Calibration.from_json(longer.as_json()) == longer
    with pytest.raises(TypeError):
        Calibration.from_json({**CALIBRATION.as_json(), "margin": 1})


@pytest.mark.parametrize(
    ("points", "alike", "named"),
    [(29, 0.0, True), (30, 0.34, False), (30, 0.36, True), (80, 0.59, False), (300, 0.59, False), (300, 0.61, True)],
)
def test_an_artwork_that_is_not_alike_denies_what_many_points_say(points, alike, named):
    """As of two cards with one frame and one text: a Plains and a Forest."""
    assert (CALIBRATION.confidence(Evidence(0.5, 0.0, points, 2, alike)) > 0.8) is named
    assert denied(Evidence(0.5, 0.0, points, 2, alike)) is not named


@pytest.mark.parametrize(
    ("sharpness", "alike", "named"),
    [
        (0, -0.2, True),
        (999, -0.2, True),
        (1000, 0.34, False),
        (1000, 0.36, True),
        (1732, 0.47, False),
        (1732, 0.48, True),
        (3000, 0.59, False),
        (9000, 0.61, True),
    ],
)
def test_an_artwork_that_is_not_alike_outweighs_any_lead_where_the_picture_is_sharp(sharpness, alike, named):
    """As of a Klink in a gallery that has a Klang alone: nothing else is nearly as similar."""
    lonely = Evidence(0.8, 0.4, 17, 0, alike, sharpness=sharpness)
    assert (CALIBRATION.confidence(lonely) > 0.8) is named
    assert not denied(lonely), "within other corners it may be alike"


def test_a_lead_in_points_says_more_the_more_points_there_are():
    by_product = replace(CALIBRATION, look=(-3.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    few, many = (by_product.confidence(Evidence(0.5, -0.1, p, r, alike=0.9)) for p, r in ((7, 1), (31, 7)))
    assert few < 0.5 < 0.8 < many


def test_a_calibration_of_an_older_release_is_read_and_one_of_another_kind_is_not():
    before = {**CALIBRATION.as_json(), "look": [-9.0, 0.0, 0.0, 2.0, 2.0]}
    assert Calibration.from_json(before).confidence(Evidence(0.5, 0.0, points=60, rival=6, alike=0.8)) > 0.9
    for curve in ({"look": [1.0] * 4}, {"look": [1.0] * 7}, {"glance": [1.0] * 2}):
        with pytest.raises(ValueError, match="other numbers of weights"):
            Calibration.from_json({**before, **curve})


def test_the_logistic_curve_never_overflows():
    assert (logistic(-1e4), logistic(0.0), logistic(1e4)) == (0.0, 0.5, 1.0)
    assert math.isclose(logistic(2.0) + logistic(-2.0), 1.0)
