import cv2
import numpy as np
import pytest

from edge_runtime.finding.locate import WHOLE, find_cards
from edge_runtime.geometry import full_frame, overlap


def found(image, corners, least=0.9):
    corners = np.float32(corners)
    return any(overlap(corners, quad.corners) > least for quad in find_cards(image))


@pytest.mark.parametrize("degrees", range(0, 180, 20))
def test_a_card_is_found_at_any_angle(scans, photo_of, degrees):
    corners = cv2.boxPoints(((320, 240), (150, 210), degrees))
    assert found(photo_of(scans["demo-3"], np.roll(corners, -1, axis=0)), corners)


@pytest.mark.parametrize(
    "corners",
    [
        ((230, 120), (410, 120), (450, 380), (190, 380)),
        ((200, 110), (380, 150), (380, 350), (200, 400)),
        ((250, 90), (420, 130), (360, 400), (170, 350)),
    ],
    ids=["leaning back", "turned aside", "both"],
)
def test_a_card_is_found_when_it_is_seen_at_a_slant(scans, photo_of, corners):
    assert found(photo_of(scans["demo-4"], corners), corners)


def test_corners_come_from_the_top_left_of_the_upright_card(scans, photo_of):
    corners = np.float32([(220, 60), (400, 60), (400, 312), (220, 312)])
    best = max(find_cards(photo_of(scans["demo-1"], corners)), key=lambda quad: overlap(quad.corners, corners))
    np.testing.assert_allclose(best.corners, corners, atol=3)


def test_every_card_of_a_page_is_found(scans, table):
    page = cv2.resize(table, (960, 1280))
    places = [
        full_frame(200, 280) + np.float32([60 + 300 * column, 60 + 400 * row])
        for row in range(3)
        for column in range(3)
    ]
    for number, place in enumerate(places):
        scan = scans[f"demo-{number % 6 + 1}"]
        page[int(place[0, 1]) : int(place[2, 1]), int(place[0, 0]) : int(place[2, 0])] = cv2.resize(scan, (200, 280))
    quads = find_cards(page)
    assert all(any(overlap(place, quad.corners) > 0.9 for quad in quads) for place in places)


def test_a_large_photo_gives_corners_in_its_own_pixels(scans, photo_of, table):
    large = cv2.resize(photo_of(scans["demo-5"]), None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC)
    assert found(large, np.float32([(250, 90), (420, 130), (360, 400), (170, 350)]) * 5)


def test_a_photo_that_is_nothing_but_the_card_is_a_candidate(scans):
    scan = scans["demo-6"]
    assert found(scan, full_frame(*scan.shape[1::-1]), least=0.99)


def test_no_two_candidates_are_the_same_place_twice(scans, photo_of):
    quads = find_cards(photo_of(scans["demo-1"]))
    outlines = [quad.corners for quad in quads]
    assert all(overlap(a, b) < 0.95 for n, a in enumerate(outlines) for b in outlines[:n])


@pytest.mark.parametrize("most", [0, 1, 3])
def test_there_are_no_more_candidates_than_asked_for(scans, photo_of, most):
    for photo in photo_of(scans["demo-1"]), scans["demo-1"]:
        assert len(find_cards(photo, most)) <= most


@pytest.mark.parametrize("value", [0, 127, 255])
@pytest.mark.parametrize("size", [(480, 640), (640, 1), (1, 640), (16, 16)])
def test_a_picture_of_one_colour_shows_no_outline_but_its_own(value, size):
    quads = find_cards(np.full((*size, 3), value, np.uint8))
    assert all(quad.score <= WHOLE and overlap(quad.corners, full_frame(*size[::-1])) > 0.99 for quad in quads)
