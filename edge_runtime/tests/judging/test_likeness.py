"""How alike artworks are: through a blur that leaves no points, under a homography, and where there is nothing to compare."""

import cv2
import numpy as np
import pytest
from printed_cards import CARDS, WHOLE, match, seen

from edge_runtime.judging.likeness import artwork, likeness, sharpness, shrunk
from edge_runtime.judging.references import SIZE, SMALL
from edge_runtime.judging.second_look import Support

CARD = shrunk(CARDS[3])


def test_a_card_is_like_its_picture_through_a_blur_that_leaves_no_points(look):
    card = look.seen(cv2.GaussianBlur(seen(CARDS[3]), (0, 0), 8), WHOLE)
    right, other = (look.likeness(card, support) for support in look.supports(card, [match(3), match(4)]))
    assert max(support.points for support in look.supports(card, [match(3), match(4)])) < 15
    assert right > 0.6
    assert abs(other) < 0.3


def test_light_and_contrast_make_no_difference():
    half_lit = (CARD * np.linspace(0.3, 1.0, SMALL[0])[None, :]).astype(np.uint8)
    assert likeness(artwork(half_lit), artwork(CARD)) > 0.95


def test_a_card_that_is_cut_out_askew_is_laid_over_its_picture(look):
    shift = np.float32([[20, 12], [-14, 18], [8, -20], [-16, -6]])
    askew = cv2.warpPerspective(CARDS[3], cv2.getPerspectiveTransform(WHOLE, WHOLE + shift), SIZE)
    card = look.seen(askew, WHOLE)
    (support,) = look.supports(card, [match(3)])
    assert support.fits
    assert look.likeness(card, support) > 0.9 > look.likeness(card, Support(support.match, 0, None))


def test_a_blur_takes_sharpness_and_a_part_that_is_covered_says_nothing_of_it(look):
    sharp, blurred = (
        look.seen(picture, WHOLE) for picture in (seen(CARDS[3]), cv2.GaussianBlur(seen(CARDS[3]), (0, 0), 4))
    )
    assert sharp.sharpness == sharpness(sharp.half) > 4 * blurred.sharpness > 0
    everywhere = np.ones((SIZE[1], SIZE[0]), bool)
    assert look.seen_in_part(seen(CARDS[3]), WHOLE, everywhere).sharpness == 0


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_card_is_like_nothing(value):
    assert likeness(artwork(np.full_like(CARD, value)), artwork(CARD)) == 0.0
    assert likeness(artwork(CARD), artwork(np.full_like(CARD, value))) == 0.0


def test_what_lies_outside_the_artwork_does_not_count():
    text = CARD.copy()
    text[60:] = shrunk(CARDS[4])[60:]
    assert likeness(artwork(text), artwork(CARD)) == pytest.approx(1.0, abs=1e-6)
