"""Whether anything came to a scene since it was searched: only then are other cards looked for."""

import tracemalloc

import cv2
import numpy as np
import pytest
from drawn import lay

from edge_runtime.following.belief import Rules
from edge_runtime.following.scene import Scene
from edge_runtime.following.stillness import Stillness
from edge_runtime.geometry import full_frame, overview
from edge_runtime.reading.effort import Effort
from edge_runtime.stream import HOPELESS, OTHERS, PLAINLY, THOROUGH, Follower

SMALL = full_frame(58, 81) + np.float32([500, 300])


def shaken(photo, light=1.0, right=7.0, turn=0.8):
    """As a hand moves the camera between two frames."""
    way = cv2.getRotationMatrix2D((320, 240), turn, 1.01)
    way[:, 2] += right, -4
    return cv2.warpAffine((photo * light).astype(np.uint8), way, photo.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


@pytest.fixture
def filming(filming, recognizer):
    """Every frame is read, also one that stands as still as those before."""
    filming.follower = Follower(recognizer, stillness=Stillness(0))
    return filming


@pytest.fixture
def photo(scans, photo_of):
    return photo_of(scans["demo-1"])


@pytest.fixture
def scene(photo):
    made = Scene()
    made.was_searched(overview(photo))
    return made


@pytest.mark.parametrize("light", [0.7, 1.0])
@pytest.mark.parametrize("right", [0, 7, -30])
def test_a_scene_is_as_it_was_though_the_camera_and_the_light_moved(scene, photo, light, right):
    assert not scene.changed(overview(shaken(photo, light, right)))


def test_a_small_card_that_is_laid_down_changes_it(scene, photo, scans):
    assert scene.changed(overview(shaken(lay(scans["demo-2"], SMALL, photo))))


def test_a_small_card_that_is_taken_away_changes_it(photo, scans):
    scene = Scene()
    scene.was_searched(overview(lay(scans["demo-2"], SMALL, photo)))
    assert scene.changed(overview(shaken(photo)))


def test_a_card_that_comes_to_a_ground_without_a_single_point_changes_it(scans):
    ground, scene = np.full((480, 640, 3), 128, np.uint8), Scene()
    scene.was_searched(overview(ground))
    assert scene.changed(overview(lay(scans["demo-2"], SMALL, ground)))


def test_a_ground_without_a_single_point_is_as_it_was_while_it_shows_the_same():
    ground, scene = np.full((480, 640, 3), 128, np.uint8), Scene()
    scene.was_searched(overview(ground))
    assert not scene.changed(overview(ground + np.uint8(1)))


@pytest.mark.parametrize("right", [400, -400])
def test_a_camera_that_looks_elsewhere_sees_another_scene(scene, photo, right):
    assert scene.changed(overview(shaken(photo, right=right)))


@pytest.mark.parametrize("shape", [(240, 640), (8, 640)])
def test_a_frame_of_another_size_is_another_scene(scene, photo, shape):
    assert scene.changed(overview(photo[: shape[0], : shape[1]]))


def test_a_strip_is_always_searched(photo):
    scene, strip = Scene(), overview(photo[:30])
    scene.was_searched(strip)
    assert scene.changed(strip)


def test_a_frame_one_pixel_wide_is_always_searched_and_not_made_larger():
    sliver, scene = np.zeros((4000, 1, 3), np.uint8), Scene()
    tracemalloc.start()
    scene.was_searched(sliver)
    assert scene.changed(sliver)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_what_was_forgotten_or_never_searched_is_another_scene(scene, photo):
    scene.forget()
    assert scene.changed(overview(photo))


def test_searches_are_counted_for_a_scene_as_it_is(scene, photo, scans):
    scene.was_searched(overview(shaken(photo)))
    assert scene.searches == 2
    scene.was_searched(overview(lay(scans["demo-2"], SMALL, photo)))
    assert scene.searches == 1


def test_while_nothing_comes_known_cards_are_followed_alone_but_for_a_thorough_look_now_and_then(filming, asked, photo):
    filming(photo, 3 + THOROUGH)
    follow = [*[Effort.SETTLED] * (PLAINLY - 1), Effort.FOLLOWED] * (THOROUGH // PLAINLY)
    assert [effort for effort, _ in asked[3:]] == [*follow[:-1], Effort.THOROUGH]


def shown(filming, asked, photo, times):
    """Which frames were searched."""
    filming(photo, times)
    return [row for row, (effort, _) in enumerate(asked) if effort >= Effort.PLAIN]


def test_an_empty_table_is_searched_eight_times_and_then_now_and_then(filming, asked, table):
    searched = shown(filming, asked, table, 3 * THOROUGH)
    assert searched[: Rules().window] == list(range(Rules().window))
    assert np.diff(searched[Rules().window :]).tolist() == [THOROUGH]
    assert all(embedded == 0 for effort, embedded in asked if effort <= Effort.FOLLOWED)


def test_an_unknown_card_is_looked_at_ever_more_seldom(filming, asked, stranger, photo_of):
    searched = shown(filming, asked, photo_of(stranger), HOPELESS + 2 * THOROUGH)
    assert searched[: Rules().window] == list(range(Rules().window))
    assert np.diff(searched[Rules().window :]).tolist() == [PLAINLY] * 3 + [THOROUGH] * 2


def test_a_card_that_comes_to_an_empty_table_is_seen_in_the_very_frame(filming, table, photo):
    filming(table, 2 + Rules().window)
    (card,) = filming(photo)
    assert (card.votes[-1].art, card.votes[-1].named) == ("demo-1", True)


def test_a_card_is_looked_for_eight_times_on_a_table_that_was_empty(filming, asked, table, stranger, photo_of):
    """One that was missed once, in a blurred frame say, is not missed because the scene was searched already."""
    filming(table, 2 + Rules().window)
    asked.clear()
    filming(cv2.GaussianBlur(photo_of(stranger), (0, 0), 12), OTHERS)
    assert min(effort for effort, _ in asked) >= Effort.PLAIN
