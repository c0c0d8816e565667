"""Rough corners made sharp: what a polygon around a rounded card cuts off comes back."""

import cv2
import numpy as np
import pytest

from edge_runtime.finding.sharpen import sharpened

CARD = np.array([[60, 40], [186, 40], [186, 216], [60, 216]], np.float32)
ROUND = 14
"""Pixels by which its corners are rounded."""


def rounded(corners: np.ndarray) -> np.ndarray:
    """The hull, int32 N×2, of a card drawn with round corners."""
    canvas = np.zeros((300, 300), np.uint8)
    inner = corners + (corners.mean(axis=0) - corners) * ROUND / 60
    cv2.fillConvexPoly(canvas, np.round(inner).astype(np.int32), 255)
    grown = cv2.dilate(canvas, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * ROUND + 1, 2 * ROUND + 1)))
    (contour,), _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return cv2.convexHull(contour)[:, 0]


def rough(hull: np.ndarray) -> np.ndarray:
    """Four points of the hull, float32 4×2, as a coarse polygon picks them: clockwise from the top left."""
    ways = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return np.array([hull[(hull @ way).argmax()] for way in ways], np.float32)


def turned_by(corners: np.ndarray, degrees: float) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D((123, 128), degrees, 1)
    return cv2.transform(corners[None], matrix)[0].astype(np.float32)


@pytest.mark.parametrize("degrees", [0, 12, -20])
def test_round_corners_do_not_pull_the_corners_in(degrees):
    """Where the lines through the middles of the sides meet: on the hull's bounding box if the card lies straight."""
    hull = rounded(turned_by(CARD, degrees))
    before = rough(hull)
    (after,) = sharpened([before], [hull])
    straight = turned_by(hull.astype(np.float32), -degrees)
    left, top, right, bottom = *straight.min(axis=0), *straight.max(axis=0)
    box = turned_by(np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32), degrees)
    assert np.linalg.norm(after - box, axis=1).max() < 2.5
    assert np.linalg.norm(before - box, axis=1).max() > 4


def test_many_at_once_are_as_each_alone():
    hulls = [rounded(turned_by(CARD, degrees)) for degrees in (0, 5, 10, 15)]
    corners = [rough(hull) for hull in hulls]
    alone = [sharpened([one], [hull])[0] for one, hull in zip(corners, hulls, strict=True)]
    assert np.array_equal(sharpened(corners, hulls), np.array(alone))


def test_what_has_no_hull_stays_as_it_is():
    hull = rounded(CARD)
    both = sharpened([CARD, rough(hull)], [None, hull])
    assert np.array_equal(both[0], CARD)
    assert not np.array_equal(both[1], rough(hull))


def test_sides_that_make_no_corner_leave_the_outline_rough():
    sliver = np.array([[20, 100], [150, 92], [280, 100], [150, 108]], np.float32)
    assert np.array_equal(sharpened([sliver], [sliver.astype(np.int32)])[0], sliver)


def test_a_corner_that_would_lie_far_off_leaves_the_outline_rough():
    """The tips of a narrow shape with round ends, where its sides would meet."""
    hull = rounded(np.array([[30, 128], [140, 112], [250, 128], [140, 144]], np.float32))
    corners = np.array([hull[(hull @ way).argmax()] for way in ([-1, 0], [0, -1], [1, 0], [0, 1])], np.float32)
    assert np.array_equal(sharpened([corners], [hull])[0], corners)


def test_a_side_along_which_the_hull_does_not_run_stays_where_it_is():
    """A thumb reaches over one side; the others are drawn to the hull."""
    thumb = np.array([[60, 40], [186, 40], [186, 216], [60, 216], [0, 128]], np.int32)
    off = CARD + np.array([[0, 0], [3, 0], [3, 0], [0, 0]], np.float32)
    np.testing.assert_allclose(sharpened([off], [thumb])[0], CARD, atol=0.5)


def test_no_outline_gives_none():
    assert sharpened([], []).shape == (0, 4, 2)
