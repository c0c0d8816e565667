"""Made-up printings: the artwork of one card, and something of another around it."""

import numpy as np
import pytest

from edge_runtime.judging.likeness import ARTWORK
from pcr_assets.imaging.printings import WAYS, lender, other_printing

CARD, OTHER = (np.random.default_rng(seed).integers(0, 256, (176, 126, 3), np.uint8) for seed in (1, 2))
ART = tuple(slice(2 * side.start, 2 * side.stop) for side in ARTWORK)


@pytest.mark.parametrize("way", WAYS)
def test_the_artwork_stays_and_something_else_changes(way):
    made = other_printing(CARD, OTHER, way, np.random.default_rng(0))
    np.testing.assert_array_equal(made[ART], CARD[ART])
    assert (made != CARD).any(axis=2).mean() > 0.1


def test_a_frame_is_that_of_the_other_card_whatever_its_size():
    larger = OTHER.repeat(2, axis=0).repeat(2, axis=1)
    made = other_printing(CARD, larger, "frame", np.random.default_rng(0))
    np.testing.assert_array_equal(made[:16], OTHER[:16])


def test_turned_text_is_the_cards_own():
    made = other_printing(CARD, OTHER, "turned text", np.random.default_rng(0))
    assert sorted(map(tuple, made.reshape(-1, 3))) == sorted(map(tuple, CARD.reshape(-1, 3)))


def test_a_card_with_the_same_art_lends_nothing():
    arts = ["fox", "fox", "newt", "fox"]
    assert {lender(arts, 0, np.random.default_rng(seed)) for seed in range(20)} == {2}
    assert lender(["fox", "fox"], 0, np.random.default_rng(0)) is None


def test_most_lend_to_their_neighbours():
    arts = [str(number) for number in range(1000)]
    lent = np.array([lender(arts, 500, np.random.default_rng(seed)) for seed in range(400)])
    near = np.abs(lent - 500) <= 30
    assert 0.7 < near.mean() < 0.95
