"""Contact sheets: everything on one small picture."""

import cv2
import numpy as np
import pytest

from pcr_assets.imaging.contact_sheet import MOST_BYTES, contact_sheet


def noise(count: int, height: int = 352) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (height, 252, 3), dtype=np.uint8) for _ in range(count)]


def opened(jpeg: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert image is not None
    return image


@pytest.mark.parametrize("count", [0, 1, 7, 24, 100])
def test_any_number_of_pictures_fits_the_limit(count):
    data = contact_sheet(noise(count), [f"card-{number}" for number in range(count)])
    assert len(data) <= MOST_BYTES
    assert opened(data).shape[1] > 80


def test_pictures_stand_in_rows_in_their_order():
    colours = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    pictures = [np.full((124, 88, 3), colour, np.uint8) for colour in colours]
    sheet = opened(contact_sheet(pictures, columns=2, width=88)).astype(int)
    for (x, y), colour in zip([(48, 60), (140, 60), (48, 200)], colours, strict=True):
        assert np.abs(sheet[y, x] - colour).max() < 20


def test_captions_may_be_few_long_or_foreign():
    assert contact_sheet(noise(3), ["a caption that is much wider than the picture below which it stands", "Pokémon ♀"])


def test_the_same_pictures_give_the_same_bytes():
    assert contact_sheet(noise(5), ["a"]) == contact_sheet(noise(5), ["a"])
