import pytest

from edge_runtime.decide import Status, Thresholds, decide
from edge_runtime.gallery import Card, Match

THRESHOLDS = Thresholds(accept=0.6, margin=0.05)


def matches(*similarities):
    return [Match(Card(f"c-{n}", f"C{n}", "demo", str(n), f"c-{n}"), value) for n, value in enumerate(similarities)]


@pytest.mark.parametrize(
    ("similarities", "status"),
    [
        ((), Status.UNKNOWN),
        ((0.59, 0.1), Status.UNKNOWN),
        ((float("nan"),), Status.UNKNOWN),
        ((0.6, 0.1), Status.CONFIRMED),
        ((0.9,), Status.CONFIRMED),
        ((0.9, 0.86, 0.2), Status.UNCERTAIN),
        ((0.9, 0.84), Status.CONFIRMED),
        ((0.62, 0.59), Status.UNCERTAIN),
    ],
)
def test_similarity_and_its_lead_decide(similarities, status):
    assert decide(matches(*similarities), THRESHOLDS) is status


def test_without_a_margin_twins_are_told_apart_by_the_smallest_lead():
    assert decide(matches(0.9, 0.9), Thresholds(accept=0.5, margin=0.0)) is Status.CONFIRMED
