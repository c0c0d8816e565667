"""A card that lies half on another: their outlines run into each other, and are taken apart again."""

import cv2
import numpy as np
import pytest

from edge_runtime.finding.locate import find_cards, in_steps
from edge_runtime.finding.sides import card_shaped, quadrilaterals
from edge_runtime.finding.snap import snapped
from edge_runtime.geometry import full_frame, overlap, scaled

SIZE = (640, 480)
WHOLE = 0.8
"""Overlap from which an outline is good enough to read the card."""
UPPER = np.float32([(250, 90), (420, 130), (360, 400), (170, 350)])
LOWER = UPPER + np.float32([45, 30])


def common_outline(*places):
    """The contour around cards that lie on each other."""
    mask = np.zeros(SIZE[::-1], np.uint8)
    for place in places:
        cv2.fillConvexPoly(mask, place.astype(np.int32), 255)
    (contour,), _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return contour


def best(outlines, place):
    return max(overlap(each, place) for each in outlines)


def test_both_cards_are_among_those_that_the_sides_of_their_common_outline_make():
    made = quadrilaterals(common_outline(UPPER, LOWER), 1200, SIZE)
    assert best(made, UPPER) > WHOLE
    assert best(made, LOWER) > WHOLE


def test_a_single_card_needs_no_taking_apart():
    assert len(quadrilaterals(common_outline(UPPER), 1200, SIZE)) == 0


@pytest.mark.parametrize(
    ("place", "may"),
    [
        pytest.param(UPPER, True, id="a card at a slant"),
        pytest.param(np.roll(UPPER, 1, axis=0), True, id="read from another corner"),
        pytest.param(full_frame(500, 40) + np.float32([70, 200]), False, id="a ruler"),
        pytest.param([(200, 100), (300, 100), (380, 400), (120, 400)], False, id="half as wide at one end"),
        pytest.param(full_frame(20, 28) + np.float32([100, 100]), False, id="smaller than any card"),
        pytest.param(UPPER - np.float32([180, 0]), True, id="a little out of the picture"),
        pytest.param(UPPER - np.float32([250, 0]), False, id="far out of the picture"),
        pytest.param(UPPER + np.float32([300, 0]), False, id="out of it at the other side"),
    ],
)
def test_four_corners_may_be_a_cards(place, may):
    assert card_shaped(np.float32([place]), 1200, SIZE).tolist() == [may]


def test_a_star_makes_no_cards():
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    reach = np.where(np.arange(10) % 2, 60, 180)
    star = np.stack([320 + reach * np.cos(angles), 240 + reach * np.sin(angles)], axis=1)
    assert len(quadrilaterals(common_outline(star), 1200, SIZE)) == 0


def test_a_triangle_makes_no_cards():
    assert len(quadrilaterals(common_outline(np.float32([(100, 400), (500, 400), (300, 80)])), 1200, SIZE)) == 0


def test_a_card_half_on_a_copy_of_itself_is_found(scans):
    photo = np.full((*SIZE[::-1], 3), 20, np.uint8)
    for place in (LOWER, UPPER):
        into = cv2.getPerspectiveTransform(full_frame(*scans["demo-1"].shape[1::-1]), place)
        cv2.warpPerspective(scans["demo-1"], into, SIZE, dst=photo, borderMode=cv2.BORDER_TRANSPARENT)
    assert best([quad.corners for quad in find_cards(photo)], UPPER) > WHOLE


def test_no_step_repeats_an_outline_of_an_earlier_one_and_all_have_no_more_than_was_asked(photo_of, scans):
    photo = photo_of(scans["demo-2"])
    first, second, *doubts = ([quad.corners for quad in step] for step in in_steps(photo))
    assert first
    assert len(doubts) == 2
    assert all(best([*first, *second], each) < 0.97 for step in doubts for each in step)


@pytest.mark.parametrize("most", [1, 4, 12])
def test_a_share_of_the_outlines_is_kept_for_the_steps_that_are_for_doubts(photo_of, scans, most):
    counts = [len(step) for step in in_steps(photo_of(scans["demo-2"]), most=most)]
    assert sum(counts) <= most
    assert sum(counts[:2]) <= most - most // 4


@pytest.mark.parametrize("factor", [0.95, 1.05])
def test_a_rough_outline_is_moved_to_the_edges_near_it(factor):
    ground = np.zeros(SIZE[::-1], np.float32)
    cv2.polylines(ground, [UPPER.astype(np.int32)], True, 200.0, 5)
    assert overlap(snapped(scaled(UPPER, factor), ground, 0.08), UPPER) > 0.96


def test_where_there_is_no_edge_an_outline_stays():
    np.testing.assert_allclose(snapped(UPPER, np.zeros(SIZE[::-1], np.float32), 0.08), UPPER, atol=0.01)
