import cv2
import numpy as np
import pytest

from edge_runtime import geometry
from edge_runtime.geometry import area, full_frame, overlap, rectify, scaled, shared_area, turned, within

SIZE = (80, 112)


def test_a_scan_of_the_target_size_stays_as_it_is(scans):
    scan = cv2.resize(scans["demo-1"], SIZE, interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(rectify(scan, full_frame(*SIZE), SIZE), scan)


def test_a_card_is_cut_out_of_a_photo_border_to_border(scans, photo_of):
    scan = scans["demo-1"]
    corners = np.float32([(250, 90), (420, 130), (360, 400), (170, 350)])
    card = rectify(photo_of(scan, corners), corners, SIZE)
    same = rectify(scan, full_frame(*scan.shape[1::-1]), SIZE)
    inner = np.s_[4:-4, 4:-4]
    assert np.abs(card[inner].astype(int) - same[inner]).mean() < 6
    assert card[:, :3].mean() > 190  # the light border, not the dark table


def test_an_upside_down_card_is_read_by_turning_its_corners(scans):
    scan = cv2.resize(scans["demo-2"], SIZE, interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(rectify(scan, turned(full_frame(*SIZE)), SIZE), scan[::-1, ::-1])


@pytest.mark.parametrize("times", [2, 3, 4, 7])
def test_fine_print_turns_grey_and_not_into_a_pattern(times):
    width, height = SIZE[0] * times, SIZE[1] * times
    print_ = (np.indices((height, width)).sum(axis=0) % 2 * 255).astype(np.uint8)
    card = rectify(np.repeat(print_[:, :, None], 3, axis=2), full_frame(width, height), SIZE)
    assert np.abs(card.astype(int) - 127).max() <= 16


def test_a_small_card_is_enlarged_smoothly():
    card = rectify(np.tile(np.uint8([[[0], [255]]]), (2, 1, 3)), full_frame(2, 2), SIZE)
    assert card.shape == (112, 80, 3)
    assert (np.diff(card[50, :, 0].astype(int)) >= 0).all()


def test_corners_outside_the_photo_take_the_photos_edge(scans):
    scan = scans["demo-1"]
    card = rectify(scan, full_frame(*scan.shape[1::-1]) + np.float32(40), SIZE)
    assert card[-1, -1].tolist() == scan[-1, -1].tolist()


@pytest.mark.parametrize("factor", [0.3, 0.8, 1.4, 2.5])
def test_a_fourth_channel_changes_no_pixel_of_a_card(scans, photo_of, monkeypatch, factor):
    photo = photo_of(scans["demo-1"])
    corners = scaled(np.float32([(250, 90), (420, 130), (360, 400), (170, 350)]), factor)
    padded = rectify(photo, corners, (160, 224))
    monkeypatch.setattr(geometry, "WORTH_PADDING", 0)
    assert np.array_equal(rectify(photo, corners, (160, 224)), padded)


def test_overlap_is_that_of_the_areas():
    square = full_frame(10, 10)
    assert area(square) == 100
    assert overlap(square, square) == pytest.approx(1, abs=0.001)
    assert overlap(square, square + np.float32([5, 0])) == pytest.approx(1 / 3, abs=0.001)
    assert overlap(square, square + np.float32([20, 0])) == 0
    assert overlap(square, scaled(square, 0.5)) == pytest.approx(0.25, abs=0.001)
    assert overlap(square, turned(square)) == pytest.approx(1, abs=0.001)


def test_outlines_with_a_corner_or_a_side_in_common_share_what_they_share():
    """OpenCV alone counts up to 70 % too much or too little for one in a hundred of these."""
    rng, wrong = np.random.default_rng(2), 0
    for _ in range(2000):
        angle, size = rng.uniform(0, 2 * np.pi), rng.uniform(60, 200)
        across = size * np.array([np.cos(angle), np.sin(angle)])
        along = 1.4 * size * np.array([-np.sin(angle), np.cos(angle)])
        card = (rng.uniform(100, 500, 2) + np.array([0 * across, across, across + along, along])).astype(np.float32)
        share, longer = rng.uniform(0.1, 0.9), rng.uniform(0.4, 1.6)
        beside = (card[0] + np.array([0 * across, across, across + longer * along, longer * along])).astype(np.float32)
        beside += (share * across).astype(np.float32)
        wrong += shared_area(card, beside) != pytest.approx(
            (1 - share) * min(1, longer) * area(card), abs=0.002 * area(card)
        )
    assert wrong == 0


def test_overlap_holds_where_sides_nearly_coincide():
    outer = np.float32([(203.230, 268.086), (214.622, 231.405), (280.413, 247.853), (270.836, 285.129)])
    inner = np.float32([(214.618, 231.404), (247.800, 239.700), (237.416, 276.045), (203.300, 268.041)])
    assert overlap(outer, inner) == pytest.approx(area(inner) / area(outer), abs=0.01)


def test_an_outline_is_within_a_card_that_is_grown_enough():
    card = turned(full_frame(63, 88), 1)
    beside, inner, own = card + np.float32([30, 0]), scaled(card, 0.5), scaled(card, 1.04)
    assert within(np.stack([own, inner, beside]), card, 1.1).tolist() == [True, True, False]
    assert within(np.stack([own, inner[::-1]]), card[::-1], 1.0).tolist() == [False, True]
