"""When a similarity is an answer."""

import numpy as np
import pytest

from pcr_assets.gallery.thresholds import accept_confidence, accept_threshold, ambiguity_margin

IMPOSTORS = np.linspace(0.0, 0.999, 1000)


def test_no_more_impostors_pass_than_the_rate_allows():
    accept = accept_threshold(IMPOSTORS, 0.01)
    assert np.sum(accept <= IMPOSTORS) == 10


def test_with_few_impostors_none_may_pass():
    few = np.array([0.2, 0.5])
    assert accept_threshold(few, 0.001) > 0.5


def test_without_impostors_nothing_is_calibrated():
    with pytest.raises(ValueError, match="without queries"):
        accept_threshold(np.array([]), 0.01)


def test_one_in_a_thousand_is_told_from_hundreds_and_hardly_by_luck():
    """Log-odds of strangers fall off exponentially here, so the truth is known: one in a thousand lies above ln 1000 - 4."""
    rng, truth = np.random.default_rng(0), np.log(1000) - 4
    draws = [1 / (1 + np.exp(4 - rng.exponential(size=600))) for _ in range(200)]
    by_tail, by_greatest = (
        np.array([np.log(at / (1 - at)) for at in (choose(draw, 0.001) for draw in draws)])
        for choose in (accept_confidence, accept_threshold)
    )
    assert by_tail.mean() == pytest.approx(truth, abs=0.1)
    assert np.abs(by_tail - truth).mean() < 0.6 * np.abs(by_greatest - truth).mean()


@pytest.mark.parametrize(("impostors", "rate"), [(IMPOSTORS, 0.2), (IMPOSTORS[::10], 0.001)])
def test_what_can_be_counted_and_what_is_too_little_is_counted(impostors, rate):
    assert accept_confidence(impostors, rate) == accept_threshold(impostors, rate)


def test_the_margin_is_zero_when_even_close_calls_are_right():
    assert ambiguity_margin(np.array([0.5, 0.01]), np.array([True, True]), precision=0.99) == 0.0


def test_without_twins_among_the_queries_any_lead_will_do():
    assert ambiguity_margin(np.array([]), np.array([], bool), precision=0.99, ceiling=1.0) == 0.0


def test_the_margin_parts_close_calls_from_clear_ones():
    gaps, right = np.array([0.30, 0.20, 0.02, 0.01]), np.array([True, True, False, True])
    assert ambiguity_margin(gaps, right, precision=1.0, ceiling=0.5) == pytest.approx(0.2)


def test_right_and_wrong_answers_of_one_lead_pass_together_or_not_at_all():
    gaps, right = np.array([0.4, 0.2, 0.2, 0.2]), np.array([True, True, True, False])
    assert ambiguity_margin(gaps, right, precision=1.0, ceiling=0.5) == pytest.approx(0.4)
    assert ambiguity_margin(gaps[1:], right[1:], precision=1.0, ceiling=0.5) == 0.5


def test_the_margin_never_exceeds_its_ceiling():
    assert ambiguity_margin(np.array([0.9]), np.array([False]), precision=1.0, ceiling=0.1) == pytest.approx(0.1)
