"""The art of a card: the same in another frame, larger or smaller, brighter or paler; not that of another card."""

import cv2
import numpy as np
import pytest

from pcr_assets.imaging.art import BOX, SIZE, likeness, middles, thumbnail

WIDTH, HEIGHT = 252, 352


def card(art: int, frame: int, share: float = 1.0) -> np.ndarray:
    """A card of drawn art in a drawn frame, of which the frame shows the middle ``share``."""
    picture = drawn(art, (13, 8))
    trim = [round((1 - share) / 2 * side) for side in picture.shape[:2]]
    picture = picture[trim[0] : picture.shape[0] - trim[0], trim[1] : picture.shape[1] - trim[1]]
    left, top, right, bottom = (round(b * s) for b, s in zip(BOX, (WIDTH, HEIGHT) * 2, strict=True))
    made = drawn(100 + frame, (22, 16))
    made[top:bottom, left:right] = cv2.resize(picture, (right - left, bottom - top))
    return made


def drawn(seed: int, cells: tuple[int, int]) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (*cells, 3), dtype=np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def alike(first: np.ndarray, second: np.ndarray) -> float:
    return likeness(thumbnail(first), middles(thumbnail(second)))


def test_a_thumbnail_is_small_and_grey():
    assert thumbnail(card(0, 0)).shape == SIZE[::-1]
    assert thumbnail(card(0, 0)).dtype == np.uint8


@pytest.mark.parametrize("share", [1.0, 0.9])
def test_a_reprint_in_another_frame_that_shows_less_of_the_art_is_alike(share):
    assert alike(card(0, 0), card(0, 1, share)) > 0.9


def test_a_paler_print_is_alike():
    assert alike(card(0, 0), cv2.convertScaleAbs(card(0, 1), alpha=0.6, beta=80)) > 0.9


@pytest.mark.parametrize("other", range(1, 6))
def test_other_art_in_the_same_frame_is_not(other):
    assert alike(card(0, 0), card(other, 0)) < 0.8


def test_art_of_one_colour_is_like_nothing():
    blank = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    assert alike(blank, blank) == 0.0
    assert alike(card(0, 0), blank) == 0.0
