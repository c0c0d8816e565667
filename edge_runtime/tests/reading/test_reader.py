"""Which ways up an outline is read."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from edge_runtime.finding.locate import Quad
from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame, turned
from edge_runtime.judging.decide import Status
from edge_runtime.reading.reader import Reader
from edge_runtime.reading.readings import CLEAR, LESS_SIMILAR, Reading

CARD, SQUAT = full_frame(63, 88), full_frame(88, 100)
MATCHES = (Match(Card("demo-1", "Amber Fox", "demo", "1", "fox"), 0.9, 1),)
FOX = Reading(Status.CONFIRMED, 0.97, CARD, MATCHES, 0.9, judged=True)


class Told(Reader):
    """A reader that is told how sure it is of each way up, and remembers which ways it read."""

    def __init__(self, sure, judge=None):
        super().__init__(None, None, judge)
        object.__setattr__(self, "sure", sure)
        object.__setattr__(self, "asked", [])

    def match(self, image, outlines):
        self.asked.append([corners.tolist() for corners, _ in outlines])
        return [
            replace(FOX, corners=corners, confidence=self.sure(corners), outline=score, judged=False)
            for corners, score in outlines
        ]


def ways(corners, *turns):
    return [turned(corners, each).tolist() for each in turns]


@pytest.mark.parametrize(
    ("corners", "sure", "others"),
    [(CARD, CLEAR, []), (CARD, CLEAR - 0.01, ways(CARD, 2)), (SQUAT, 0.1, ways(SQUAT, 2, 1, 3))],
    ids=["no doubt", "a doubt", "a doubt, at a slant"],
)
def test_other_ways_up_are_read_where_the_first_leaves_a_doubt(corners, sure, others):
    reader = Told(lambda corners: sure)
    read = reader.read(None, [Quad(corners, 0.7)])
    assert reader.asked == [[corners.tolist()], others]
    assert [each.outline for each in read] == [0.7] * (1 + len(others))


@pytest.mark.parametrize(("before", "others"), [(0.9, []), (0.9 + LESS_SIMILAR + 0.01, ways(CARD, 2))])
def test_a_followed_card_that_was_more_similar_before_may_have_been_turned(before, others):
    followed = replace(FOX, matches=(replace(MATCHES[0], similarity=before),))
    reader = Told(lambda corners: 0.97)
    reader.read(None, [Quad(CARD, 0.7)], [followed])
    assert reader.asked[1] == others


def test_of_all_ways_up_the_most_confident_one_is_the_best():
    reader = Told(lambda corners: 0.8 if corners.tolist() == turned(CARD).tolist() else 0.3)
    best = reader.best(None, Quad(CARD, 0.7))
    assert (best.confidence, best.corners.tolist()) == (0.8, turned(CARD).tolist())


def test_a_glance_is_judged_where_the_judge_calls_it_settled():
    reader = Told(None, SimpleNamespace(settles=lambda status, confidence: confidence > 0.95))
    assert [each.judged for each in reader.glanced([FOX, replace(FOX, confidence=0.9)])] == [True, False]
