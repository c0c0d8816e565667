"""Which frames are spared."""

import numpy as np
import pytest

from edge_runtime.finding.locate import LEAST_AREA
from edge_runtime.following.stillness import READS, Stillness, cells
from edge_runtime.geometry import full_frame


def noisy(image, seed, deviation=6):
    """The same scene a moment later: another grain."""
    grain = np.random.default_rng(seed).normal(0, deviation, image.shape)
    return (image + grain).clip(0, 255).astype(np.uint8)


def read_often_enough(stillness, image, deviation=6):
    for seed in range(READS):
        assert not stillness.holds(noisy(image, seed, deviation))
        stillness.was_read()
    return stillness


def test_a_still_table_is_spared_once_it_was_read_a_few_times(table):
    stillness = read_often_enough(Stillness(), table)
    assert all(stillness.holds(noisy(table, seed)) for seed in range(10, 20))


def test_the_smallest_card_that_is_looked_for_is_never_missed(table, scans, photo_of):
    height = (LEAST_AREA * table.shape[0] * table.shape[1] * 88 / 63) ** 0.5
    card = full_frame(1, 1) * np.float32([height * 63 / 88, height])
    for at in np.random.default_rng(0).uniform((0, 0), (640 - height, 480 - height), (12, 2)):
        stillness = read_often_enough(Stillness(), table)
        assert not stillness.holds(noisy(photo_of(scans["demo-1"], card + np.float32(at)), 9))


def test_a_card_as_light_as_the_table_is_seen_by_its_colour(table):
    stillness = read_often_enough(Stillness(), np.full_like(table, 100))
    greyed = np.full_like(table, 100)
    greyed[200:260, 300:345] = (150, 90, 26)  # of the same lightness
    assert not stillness.holds(greyed)


def test_another_card_in_the_same_place_is_seen(scans, photo_of):
    stillness = read_often_enough(Stillness(), photo_of(scans["demo-1"]))
    assert not stillness.holds(photo_of(scans["demo-2"]))


def test_what_changes_slowly_adds_up():
    def grey(level):
        return np.full((48, 64, 3), level, np.uint8)

    stillness = read_often_enough(Stillness(most=4), grey(100), deviation=0)
    assert [stillness.holds(grey(100 + step)) for step in range(1, 5)] == [True, True, True, False]


def test_a_changed_scene_is_read_a_few_times_again(table):
    stillness = read_often_enough(Stillness(), table)
    read_often_enough(stillness, 255 - table)


def test_a_frame_of_another_size_is_read(table):
    assert not read_often_enough(Stillness(), table).holds(table[:240])


@pytest.mark.parametrize("most", [0, 0.0])
def test_sparing_can_be_turned_off(table, most):
    stillness = read_often_enough(Stillness(most), table)
    assert not stillness.holds(table)


def test_a_frame_one_pixel_wide_is_not_made_larger():
    assert cells(np.zeros((4000, 1, 3), np.uint8)).shape == (4000, 1, 3)
