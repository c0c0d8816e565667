"""A card whose outline nothing closes: its corners don't show, or lines of the table run into it."""

import cv2
import numpy as np
import pytest

from edge_runtime.finding.locate import in_steps
from edge_runtime.finding.segments import MOST_CORNERS, joined, line_corners
from edge_runtime.geometry import overlap

SIZE = (640, 480)
LEAST = 0.004 * SIZE[0] * SIZE[1]
WHOLE = 0.8
"""Overlap from which an outline is good enough to read the card."""
PLACE = np.float32([(250, 90), (420, 130), (360, 400), (170, 350)])


def drawn(*lines, thick=2):
    """A grey picture with lines, each from (x, y) to (x, y)."""
    picture = np.full((*SIZE[::-1], 3), 200, np.uint8)
    for start, end in lines:
        cv2.line(picture, [round(float(at)) for at in start], [round(float(at)) for at in end], (40, 40, 40), thick)
    return picture


def sides(shown=1.0, place=PLACE):
    """The sides of a card, of each as much as is shown around its middle."""
    cut = (1 - shown) / 2
    ends = np.roll(place, -1, axis=0)
    return [(start + cut * (end - start), end - cut * (end - start)) for start, end in zip(place, ends, strict=True)]


def best(outlines, place=PLACE):
    return max((overlap(each, place) for each in outlines), default=0.0)


@pytest.mark.parametrize("shown", [1.0, 0.8, 0.6])
def test_sides_that_end_before_the_corners_are_joined(shown):
    assert best(joined(drawn(*sides(shown)), LEAST)) > WHOLE


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [((20, y), (600, y)) for y in range(40, 460, 40)],
        [((100, 400), (500, 400)), ((500, 400), (300, 80)), ((300, 80), (100, 400))],
        sides()[:3],
        sides(place=np.float32([(20, 200), (600, 200), (600, 240), (20, 240)])),
    ],
    ids=["nothing", "stripes", "a triangle", "three sides", "a ruler"],
)
def test_what_is_no_card_is_joined_to_none(lines):
    assert len(joined(drawn(*lines), LEAST)) == 0


def test_a_picture_full_of_lines_takes_no_more_corners_than_can_be_tried():
    lines = np.concatenate([np.float32([[(0, at), (640, at)], [(at, 0), (at, 480)]]) for at in range(5, 405, 5)])
    corners, _, _ = line_corners(lines)
    assert len(corners) == MOST_CORNERS


def test_corners_go_round_clockwise():
    made = joined(drawn(*sides()), LEAST)
    diagonals = made[:, 2] - made[:, 0], made[:, 3] - made[:, 1]
    assert len(made)
    assert (diagonals[0][:, 0] * diagonals[1][:, 1] > diagonals[0][:, 1] * diagonals[1][:, 0]).all()


def test_the_last_step_finds_a_card_that_no_outline_closes_around():
    """The table's dashes end at a card that is hardly lighter than the table: its edge and they are one outline."""
    dashes = [((x, y), (x + 110, y + 12)) for x in range(-20, 640, 120) for y in range(10, 480, 60)]
    photo = drawn(*dashes, thick=3)
    cv2.fillConvexPoly(photo, PLACE.astype(np.int32), (215, 215, 215), cv2.LINE_AA)
    *earlier, last = ([quad.corners for quad in step] for step in in_steps(photo))
    assert all(best(step) < WHOLE for step in earlier)
    assert best(last) > WHOLE
