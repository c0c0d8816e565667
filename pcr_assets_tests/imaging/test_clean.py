"""Cleaning: margins go, printed borders stay, nothing is enlarged, and what is no card is refused."""

import numpy as np
import pytest
from PIL import Image

from pcr_assets.imaging.clean import MOST_HEIGHT, clean
from pcr_assets.imaging.decode import Rejected

WIDTH, HEIGHT = 252, 352


def card(border: int | tuple[int, int, int] | None = None) -> np.ndarray:
    """Noise in the shape of a card, with a printed border of one colour when asked."""
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    if border is not None:
        inner = image[16:-16, 16:-16].copy()
        image[:] = border
        image[16:-16, 16:-16] = inner
    return image


def on_sheet(image: np.ndarray, colour: int, width: int = 600, height: int = 500) -> np.ndarray:
    sheet = np.full((height, width, 3), colour, np.uint8)
    sheet[40 : 40 + image.shape[0], 70 : 70 + image.shape[1]] = image
    return sheet


@pytest.mark.parametrize("border", [None, (250, 220, 40), (190, 190, 195), 0, 255])
def test_a_scan_without_margin_is_left_as_it_is(border):
    assert np.array_equal(clean(card(border)), card(border))


@pytest.mark.parametrize("colour", [0, 255, 128])
def test_a_flat_margin_is_trimmed(colour):
    assert np.array_equal(clean(on_sheet(card(), colour)), card())


def test_a_printed_border_stays_when_the_margin_goes():
    assert np.array_equal(clean(on_sheet(card((250, 220, 40)), 255)), card((250, 220, 40)))


def test_noise_and_dust_of_a_scanner_do_not_keep_the_margin():
    sheet = on_sheet(card(), 250)
    margin = np.ones(sheet.shape[:2], bool)
    margin[40 : 40 + HEIGHT, 70 : 70 + WIDTH] = False
    noise = np.random.default_rng(1).integers(-2, 3, sheet.shape)
    sheet = np.where(margin[..., None], sheet + noise, sheet).astype(np.uint8)
    sheet[460:464, 500:504] = 0
    assert clean(sheet).shape == (HEIGHT, WIDTH, 3)


def test_a_margin_whose_corners_differ_in_colour_is_not_taken_for_a_flat_one():
    sheet = on_sheet(card(), 200)
    sheet[:, 70 + WIDTH :] = 210
    with pytest.raises(Rejected, match="not card-shaped"):
        clean(sheet)


def test_a_margin_around_something_that_is_no_card_stays():
    picture = card()[:250]
    image = on_sheet(picture, 255, width=360, height=500)
    assert np.array_equal(clean(image), image)


@pytest.mark.parametrize("shape", [(352, 500), (500, 252), (300, 300)])
def test_what_is_not_card_shaped_is_refused(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    with pytest.raises(Rejected, match="not card-shaped"):
        clean(image)


def test_a_blank_sheet_is_refused():
    blank = np.random.default_rng(0).integers(240, 244, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    with pytest.raises(Rejected, match="one flat colour"):
        clean(blank)


def test_a_picture_with_flat_rows_in_it_is_not_blank():
    image = card()
    image[::8] = 128
    assert np.array_equal(clean(image), image)


def test_a_large_scan_is_scaled_down_in_its_shape():
    large = np.repeat(np.repeat(card(), 4, axis=0), 4, axis=1)
    assert clean(large).shape == (MOST_HEIGHT, 504, 3)


@pytest.mark.parametrize("height", [720, 825, 1024, 1400, 2000])
def test_a_large_scan_is_scaled_down_nearly_as_well_as_can_be(height):
    """Beside Lanczos, which takes ten times as long: 34 dB from it for detail three pixels wide."""
    detail = np.random.default_rng(0).integers(60, 196, (height // 3, height // 4, 3), dtype=np.uint8)
    scan = Image.fromarray(detail).resize((round(height * 0.716), height), Image.Resampling.BICUBIC)
    scaled = clean(np.array(scan))
    ideal = np.asarray(scan.resize(scaled.shape[1::-1], Image.Resampling.LANCZOS), float)
    assert scaled.shape[0] == MOST_HEIGHT
    assert 10 * np.log10(255**2 / np.mean((scaled - ideal) ** 2)) > 34


def test_a_small_scan_is_not_enlarged():
    assert clean(card()).shape == (HEIGHT, WIDTH, 3)
