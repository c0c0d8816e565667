"""Which cards calibrate."""

from collections import Counter

import numpy as np

from pcr_assets.cards.calibration import stratified

SETS = ["base1"] * 60 + ["base2"] * 30 + ["basep"] * 9 + ["tiny"]


def chosen(count: int, seed: int = 0) -> Counter:
    return Counter(SETS[row] for row in stratified(SETS, count, seed))


def test_each_set_gives_its_share():
    assert chosen(10) == {"base1": 6, "base2": 3, "basep": 1}


def test_rests_go_to_the_largest_remainders():
    assert sum(chosen(17).values()) == 17
    assert chosen(17)["base1"] in (10, 11)


def test_few_cards_are_all_taken_once():
    assert list(stratified(SETS, 1024, 0)) == list(range(100))


def test_no_cards_give_none():
    assert len(stratified([], 1024, 0)) == 0


def test_a_seed_chooses_the_same_cards_again_and_another_seed_others():
    assert np.array_equal(stratified(SETS, 20, 1), stratified(SETS, 20, 1))
    assert not np.array_equal(stratified(SETS, 20, 1), stratified(SETS, 20, 2))
