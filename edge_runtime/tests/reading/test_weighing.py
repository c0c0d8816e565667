"""More than a glance at what was read: which further chance an outline gets, and what stays refused."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame, scaled, turned
from edge_runtime.judging.decide import Evidence, Status
from edge_runtime.judging.judge import Judgement
from edge_runtime.judging.references import SIZE
from edge_runtime.reading.readings import Reading, overruled
from edge_runtime.reading.weighing import FITS, MOST_JUDGED, Weighing

WHOLE = full_frame(*SIZE)
PICTURE = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
FOSSIL = (Match(Card("b2-146", "Sail Fossil", "b2", "146", "sail"), 0.7, 1),)


def judgement(status, confidence, corners, denied=(), points=None, agreed=45):
    return Judgement(
        status, confidence, FOSSIL, corners, Evidence(0.7, 0.1, points), denied=dict.fromkeys(denied, agreed)
    )


def glance(confidence=0.5):
    return Reading.of(judgement(Status.UNKNOWN, confidence, WHOLE), 1.0)


class Saying:
    """A judge that says of corners what it is told to, and remembers which it was asked about."""

    second_look = object()

    def __init__(self, said):
        self.said, self.asked = said, []

    def judge(self, image, corners, matches):
        self.asked.append(corners.tolist())
        return self.said(corners)


def weighing(judge, promise=lambda corners: 0.5):
    """With a reader that finds the same card within any corners, as sure as ``promise`` says."""

    def match(image, outlines):
        return [Reading.of(judgement(Status.UNKNOWN, promise(corners), corners), 1.0) for corners, _ in outlines]

    return Weighing(SimpleNamespace(judge=judge, match=match))


def named(corners):
    return judgement(Status.CONFIRMED, 0.99, corners, points=60)


def unknown(corners):
    return judgement(Status.UNKNOWN, 0.3, corners)


def test_what_promises_something_is_judged_once_and_no_more_than_so_many_of_one_photo():
    promising, hopeless, done = glance(0.5), glance(0.4), replace(glance(0.5), judged=True)
    found = weighing(Saying(named)).judged(PICTURE, [promising, hopeless, done], 0.5)
    assert (found[0].status, found[0].judged) == (Status.CONFIRMED, True)
    assert found[1] is hopeless and found[2] is done
    many = weighing(Saying(named)).judged(PICTURE, [done, *[promising] * (MOST_JUDGED + 2)], 0.5)
    assert sum(each.judged for each in many) == MOST_JUDGED


def test_a_card_that_stays_unknown_is_looked_at_the_other_way_up_and_within_the_outline_that_promises_most():
    best = scaled(WHOLE, FITS[1]).tolist()
    for confidence, tried in ((0.5, [turned(WHOLE).tolist(), best]), (0.05, [turned(WHOLE).tolist()])):
        judge = Saying(unknown)
        weighing(judge, lambda corners: 0.9 if corners.tolist() == best else 0.5).judge(PICTURE, glance(confidence))
        assert judge.asked == [WHOLE.tolist(), *tried]
    judge = Saying(unknown)
    judge.second_look = None
    weighing(judge).judge(PICTURE, glance())
    assert judge.asked == [WHOLE.tolist(), scaled(WHOLE, FITS[0]).tolist()], "a glance has looked both ways up"


def test_a_card_that_is_named_gets_no_further_look():
    judge = Saying(named)
    weighing(judge).judge(PICTURE, glance())
    assert judge.asked == [WHOLE.tolist()]


def test_of_an_art_that_is_denied_within_several_corners_the_most_points_count():
    def denying(corners):
        denied, agreed = (("a",), 45) if np.array_equal(corners, WHOLE) else (("a", "b"), 50)
        return judgement(Status.UNKNOWN, 0.0, corners, denied, agreed=agreed)

    assert weighing(Saying(denying)).judge(PICTURE, glance()).denied == {"a": 50, "b": 50}


ELSEWHERE = WHOLE + np.float32([120, 0])
"""Where the picture of a card lies of which the outline shows a half."""


def another_card(corners):
    other = Match(Card("b2-1", "Cover Fossil", "b2", "1", "cover"), 0.7, 2)
    return replace(named(corners), matches=(other,))


@pytest.mark.parametrize(
    ("there", "lies"),
    [
        pytest.param(named, ELSEWHERE, id="the same card"),
        pytest.param(unknown, WHOLE, id="none"),
        pytest.param(another_card, WHOLE, id="another card"),
        pytest.param(lambda corners: replace(named(corners), elsewhere=WHOLE), WHOLE, id="again elsewhere"),
    ],
)
def test_a_named_card_whose_picture_lies_far_from_the_outline_lies_there_if_the_same_is_named_there(there, lies):
    outline = replace(named(WHOLE), elsewhere=ELSEWHERE)
    said = weighing(Saying(lambda corners: outline if corners is WHOLE else there(corners))).judge(PICTURE, glance())
    assert (said.status, said.card.name) == (Status.CONFIRMED, "Sail Fossil")
    assert np.array_equal(said.corners, lies)


@pytest.mark.parametrize(
    ("apart", "there", "said"),
    [(20, named, Status.CONFIRMED), (20, unknown, Status.UNKNOWN), (5, named, Status.UNKNOWN)],
    ids=["a card there", "none there either", "it lies there"],
)
def test_another_printing_is_looked_at_where_its_picture_lies(apart, there, said):
    """An outline around two copies that lie on each other is that of neither."""
    judge = Saying(
        lambda corners: replace(unknown(corners), other_printing=True) if corners is WHOLE else there(corners)
    )
    judge.place_of = lambda image, corners, match: WHOLE + np.float32([apart, 0])
    answer = weighing(judge).judge(PICTURE, glance())
    assert (answer.status, answer.other_printing) == (said, said is Status.UNKNOWN)


@pytest.mark.parametrize(
    ("denied", "agreed", "points", "said"),
    [
        ((), 45, 60, Status.CONFIRMED),
        (("other",), 45, 60, Status.CONFIRMED),
        (("sail",), 45, 60, Status.UNKNOWN),
        (("sail",), 12, 60, Status.CONFIRMED),  # a sharp card within wrong corners
        (("sail",), 12, 20, Status.UNKNOWN),
        (("sail",), 12, None, Status.CONFIRMED),  # a glance leaves no doubt
    ],
)
def test_a_denied_art_is_named_within_no_other_corners_unless_it_lies_exactly_there_alone(denied, agreed, points, said):
    """A Cover Fossil is no Sail Fossil, however well frame and text agree once the outline is a little smaller."""

    def in_other_corners(corners):
        if np.array_equal(corners, WHOLE):
            return judgement(Status.UNKNOWN, 0.0, corners, denied, agreed=agreed)
        return judgement(Status.CONFIRMED, 0.99, corners, points=points)

    assert weighing(Saying(in_other_corners)).judge(PICTURE, glance()).status is said


@pytest.mark.parametrize(
    ("denied", "points", "size", "said"),
    [
        (("sail",), 36, 1.05, True),
        (("sail",), 60, 1.05, False),  # it lies more exactly there than what denied it
        (("sail",), None, 1.05, False),  # a glance leaves no doubt
        (("other",), 36, 1.05, False),
        (("sail",), 36, 0.7, False),  # another card, that lies on it
    ],
)
def test_a_name_is_overruled_by_another_reading_of_the_same_outline_that_denied_it_by_more_points(
    denied, points, size, said
):
    denies = Reading.of(judgement(Status.UNKNOWN, 0.0, WHOLE, denied), 1.0)
    names = Reading.of(judgement(Status.CONFIRMED, 0.99, scaled(WHOLE, size), points=points), 1.0)
    assert overruled(names, [denies]) is said
    assert overruled(names, [denies, names]) is said
    assert not overruled(replace(names, status=Status.UNKNOWN), [denies])
