import cv2
import numpy as np
import pytest

from edge_runtime import geometry
from edge_runtime.geometry import (
    area,
    areas,
    as_numbers,
    corners_of,
    full_frame,
    met,
    narrowed,
    overlap,
    overview,
    rectify,
    scaled,
    scaled_down,
    shared_area,
    side_lengths,
    thumbnails,
    turned,
    ways_up,
    width,
    within,
)

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


def test_a_card_that_a_slant_made_as_wide_as_high_may_lie_on_its_side():
    upright, squat = full_frame(63, 88), full_frame(88, 100)
    assert [turned(upright, turns).tolist() for turns in ways_up(upright)] == [turned(upright).tolist()]
    assert sorted(ways_up(squat)) == [1, 2, 3]
    assert ways_up(squat)[0] == 2, "upside down is likelier"


def test_sides_widths_and_areas_are_those_of_the_outline():
    slanted = np.float32([(0, 0), (60, 0), (50, 80), (10, 80)])
    assert side_lengths(slanted) == pytest.approx([60, 6500**0.5, 40, 6500**0.5])
    assert side_lengths(np.stack([slanted, 2 * slanted]))[:, 0].tolist() == [60, 120]
    assert width(slanted) == 50
    assert areas(np.stack([slanted, slanted[::-1], 2 * slanted])).tolist() == [4000, 4000, 16000]
    assert area(slanted) == 4000
    assert as_numbers(slanted / 3)[2] == [16.7, 26.7]


def test_lines_meet_in_the_corners_of_what_they_bound_and_parallel_ones_far_away():
    card = np.array([(10, 20), (73, 22), (70, 110), (12, 108)], float)
    sides = np.roll(card, -1, axis=0) - card
    corners, turns = corners_of(card + 0.3 * sides, sides * np.array([[1], [2], [-1], [0.5]]))
    np.testing.assert_allclose(corners, card, atol=1e-4)
    assert (np.sign(turns) == [1, 1, -1, -1]).all()
    across = np.array([1.0, 0.0])
    place, far = met(np.array([2.0, 5.0]), across, np.array([9.0, 0.0]), np.array([0.0, 3.0]))
    assert (place.tolist(), far) == ([9.0, 5.0], 7.0)
    assert abs(met(np.array([0.0, 0.0]), across, np.array([0.0, 4.0]), across)[1]) > 1e6


@pytest.mark.parametrize(
    ("size", "small"),
    [((720, 1280), (180, 320)), ((2160, 3840), (270, 480)), ((480, 640), (240, 320)), ((300, 639), (300, 639))],
)
def test_an_overview_is_halved_while_enough_pixels_remain_across(size, small):
    assert overview(np.zeros((*size, 3), np.uint8)).shape == (*small, 3)


def test_a_picture_is_made_smaller_by_averages_and_never_larger():
    dots = np.zeros((48, 64, 3), np.uint8)
    dots[::2, ::2] = 200
    assert np.unique(scaled_down(dots, (32, 24))).tolist() == [50]
    assert np.unique(scaled_down(dots, (8, 6))).tolist() == [50]
    assert scaled_down(dots, (40, 30)).shape == (30, 40, 3)
    assert scaled_down(dots, (64, 48)) is dots
    assert np.unique(narrowed(dots, 16)).tolist() == [50]
    assert narrowed(dots, 100).shape == dots.shape


def test_thumbnails_are_coarse_cuts_of_each_outline_in_its_place(scans, photo_of):
    """Of small ones and of large ones, for which the photo is halved."""
    tilted = np.float32([(250, 90), (420, 130), (360, 400), (170, 350)])
    photo = photo_of(scans["demo-1"], tilted)
    outlines = [tilted, turned(tilted), scaled(tilted, 0.2), tilted + np.float32([150, 60])]
    coarse = thumbnails(photo, outlines, (16, 22)).astype(int)
    assert coarse.shape == (4, 22, 16, 3)
    for row, outline in enumerate(outlines):
        apart = np.abs(coarse - rectify(photo, outline, (16, 22))).mean(axis=(1, 2, 3))
        assert apart.argmin() == row
        assert apart[row] < 20 < 60 < np.delete(apart, row).min()


def test_outlines_share_the_same_whether_their_boxes_are_looked_at_first_or_not(monkeypatch):
    rng = np.random.default_rng(0)
    cards = [
        (full_frame(63, 88) + rng.normal(0, 8, (4, 2)) + rng.uniform(0, 150, 2)).astype(np.float32) for _ in range(60)
    ]
    shared = [[geometry.shared_area(one, other) for one in cards] for other in cards]
    assert 0 < np.count_nonzero(shared) < 0.9 * len(cards) ** 2
    monkeypatch.setattr(geometry, "_far", lambda first, second: False)
    assert shared == [[geometry.shared_area(one, other) for one in cards] for other in cards]
