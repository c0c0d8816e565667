"""Which candidate a second look ends with, and how sure it is."""

from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.decide import Calibration, Status
from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame
from edge_runtime.judge import Judge
from edge_runtime.references import SIZE
from edge_runtime.second_look import Support

WHOLE = full_frame(*SIZE)
PICTURE = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
CALIBRATION = Calibration(
    glance=(-14.0, 14.0, 14.0),
    look=(-11.0, 12.0, 16.0, 0.3, 0.6, 1.0),
    accept=0.95,
    sure=0.999,
    twin_margin=0.02,
    twin_lead=0.05,
)


class Counted:
    """A second look that finds so many agreeing points with each card."""

    def __init__(self, points):
        self.points = points
        self.compared = []

    def seen(self, image, corners):
        return None

    def supports(self, card, matches):
        self.compared += [match.card.card_id for match in matches]
        return [Support(match, self.points.get(match.card.card_id, 0), None) for match in matches]

    def tell_apart(self, image, corners, twins):
        return [0.0] * len(twins)


def matches(**similarities):
    found = [
        Match(Card(name, name, "demo", "1", name), similarity, at)
        for at, (name, similarity) in enumerate(similarities.items())
    ]
    return sorted(found, key=lambda match: -match.similarity)


def judged(points, calibration=CALIBRATION, **similarities):
    return Judge(calibration, Counted(points)).judge(PICTURE, WHOLE, matches(**similarities))


def test_a_few_points_do_not_outweigh_a_clear_lead():
    answer = judged({"alike": 4, "right": 3}, right=0.62, alike=0.34)
    assert answer.matches[0].card.card_id == "right"
    assert answer.evidence.points == 3
    assert answer.evidence.rival == 4


def test_many_points_outweigh_a_small_lead():
    answer = judged({"right": 38, "alike": 5}, alike=0.55, right=0.52)
    assert answer.matches[0].card.card_id == "right"
    assert answer.status is Status.CONFIRMED


def test_before_there_is_a_calibration_points_decide():
    open_to_all = replace(CALIBRATION, glance=(0.0,) * 3, look=(0.0,) * 6, accept=0.0, sure=2.0)
    assert judged({"alike": 4, "right": 3}, open_to_all, right=0.62, alike=0.34).matches[0].card.card_id == "alike"


def test_a_candidate_that_stands_out_ends_the_comparison():
    look = Counted({"a": 60})
    many = matches(**{name: 0.5 - at / 100 for at, name in enumerate("abcdefgh")})
    Judge(CALIBRATION, look).judge(PICTURE, WHOLE, many)
    assert look.compared == list("abcd")


@pytest.mark.parametrize("similarity", [0.3, 0.5])
def test_what_agrees_with_nothing_stays_unknown(similarity):
    answer = judged({"a": 4, "b": 4}, a=similarity, b=similarity - 0.02)
    assert answer.status is Status.UNKNOWN
