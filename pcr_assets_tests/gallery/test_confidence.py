"""Confidence that means what it says."""

import numpy as np
import pytest

from edge_runtime.judging.decide import Calibration, Evidence
from pcr_assets.gallery.confidence import OneSided, calibration_error, error_by_chance, fit_curve, reliability

RNG = np.random.default_rng(0)
SIMILARITIES = RNG.uniform(0, 1, 4000)
TRUTH = RNG.random(4000) < 1 / (1 + np.exp(-(20 * SIMILARITIES - 12)))


def confidence(weights, evidence):
    return Calibration(weights, (0.0,) * 5, 0.0, 2.0, 0.0, 0.0).confidence(evidence)


def test_a_fitted_curve_is_the_one_that_the_answers_were_drawn_from():
    weights = fit_curve([Evidence(value, 0.0) for value in SIMILARITIES], TRUTH)
    odds = np.log(TRUTH.mean() / (1 - TRUTH.mean()))  # both kinds weigh the same in the fit
    assert weights[1] == pytest.approx(20, rel=0.1)
    assert weights[0] == pytest.approx(-12 - odds, rel=0.1)
    assert weights[2] == 0.0


def test_nothing_that_speaks_for_a_candidate_counts_against_it():
    """Points that come with a lead say little more: fitted freely, their weight would be negative."""
    leads = RNG.normal(0, 0.2, 4000)
    right = RNG.random(4000) < 1 / (1 + np.exp(-20 * leads))
    points = np.clip(200 * leads + RNG.normal(0, 15, 4000) - 40 * right, 0, 300).astype(int)
    weights = fit_curve([Evidence(0.5, lead, point, 5) for lead, point in zip(leads, points, strict=True)], right)
    assert min(weights[1:]) >= 0
    behind, ahead = Evidence(0.5, -0.2, 3, 90, 0.9), Evidence(0.5, 0.2, 90, 3, 0.9)
    calibration = Calibration((0.0,) * 3, weights, 0.0, 2.0, 0.0, 0.0)
    assert calibration.confidence(behind) < calibration.confidence(ahead)


@pytest.mark.parametrize(("right", "cure"), [(True, "ask more queries"), (False, "train the models for more steps")])
def test_answers_of_one_kind_teach_nothing_and_what_to_do_is_said(right, cure):
    kind = "right" if right else "wrong"
    with pytest.raises(OneSided, match=f"all 3 answers of the calibration are {kind}.*{cure}"):
        fit_curve([Evidence(0.5, 0.1)] * 3, np.full(3, right))


def test_a_fitted_confidence_lies_on_the_diagonal_and_an_overconfident_one_does_not():
    weights = fit_curve([Evidence(value, 0.0) for value in SIMILARITIES], TRUTH)
    honest = np.array([confidence(weights, Evidence(value, 0.0)) for value in SIMILARITIES])
    assert calibration_error(reliability(honest, TRUTH)) < 0.03
    assert calibration_error(reliability(np.full(4000, 0.99), TRUTH)) > 0.4


def test_each_answer_is_in_one_row_of_the_table_also_the_surest():
    """Right and wrong answers weigh the same in all: three right ones as much as a wrong one."""
    table = reliability(np.array([0.0, 0.05, 0.95, 1.0]), np.array([False, True, True, True]))
    assert [row["answers"] for row in table] == [2, 2]
    assert [row["right"] for row in table] == [pytest.approx(0.25), 1.0]
    assert [row["confidence"] for row in table] == [pytest.approx(0.0125), pytest.approx(0.975)]
    assert calibration_error(table) == pytest.approx((2 * 0.2375 + 2 * 0.025) / 4)


def test_few_answers_miss_the_truth_by_chance_and_many_do_not():
    weights = fit_curve([Evidence(value, 0.0) for value in SIMILARITIES], TRUTH)
    honest = np.array([confidence(weights, Evidence(value, 0.0)) for value in SIMILARITIES])
    few = np.random.default_rng(1).choice(len(TRUTH), 80, replace=False)
    assert error_by_chance(honest, TRUTH) < 0.03 < 0.05 < error_by_chance(honest[few], TRUTH[few])
    assert calibration_error(reliability(honest[few], TRUTH[few])) < error_by_chance(honest[few], TRUTH[few])
    boastful = np.full(80, 0.99)
    assert calibration_error(reliability(boastful, TRUTH[few])) > 0.3 + error_by_chance(boastful, TRUTH[few])
    assert error_by_chance(boastful, np.ones(80, bool)) == 0


def test_of_answers_that_are_quite_sure_and_right_chance_explains_next_to_nothing():
    """A confidence may be 1 to the last bit: its odds are infinite."""
    sure = np.repeat([1.0, 0.0], 50)
    assert error_by_chance(sure, sure > 0.5) < 0.001
