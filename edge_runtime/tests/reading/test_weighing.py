"""More than a glance at what was read: which further chance an outline gets, and what stays refused."""

from types import SimpleNamespace

import numpy as np
import pytest

from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame, scaled
from edge_runtime.judging.decide import Evidence, Status
from edge_runtime.judging.judge import Judgement
from edge_runtime.judging.references import SIZE
from edge_runtime.reading.readings import Reading, overruled
from edge_runtime.reading.weighing import Weighing

WHOLE = full_frame(*SIZE)
PICTURE = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
FOSSIL = (Match(Card("b2-146", "Sail Fossil", "b2", "146", "sail"), 0.7, 1),)


def judgement(status, confidence, corners, denied=(), points=None, agreed=45):
    return Judgement(
        status, confidence, FOSSIL, corners, Evidence(0.7, 0.1, points), denied=dict.fromkeys(denied, agreed)
    )


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

    class InOtherCorners:
        second_look = object()

        def judge(self, image, corners, matches):
            if np.array_equal(corners, WHOLE):
                return judgement(Status.UNKNOWN, 0.0, corners, denied, agreed=agreed)
            return judgement(Status.CONFIRMED, 0.99, corners, points=points)

    reader = SimpleNamespace(
        judge=InOtherCorners(),
        match=lambda image, outlines: [
            Reading.of(judgement(Status.UNKNOWN, 0.5, corners), 1.0) for corners, _ in outlines
        ],
    )
    glance = Reading.of(judgement(Status.UNKNOWN, 0.5, WHOLE), 1.0)
    assert Weighing(reader).judge(PICTURE, glance).status is said


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
