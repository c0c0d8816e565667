"""Judging an embedding on pictures: the hash baseline that a teacher has to beat."""

import numpy as np

from pcr_assets.learning import evaluate
from pcr_assets.learning.data import Cards
from pcr_assets_tests.small_student import painted_cards


def painted(count: int, seed: int = 0) -> Cards:
    pictures = painted_cards(count, seed)
    names = [f"p{seed}-{i}" for i in range(count)]
    return Cards(names, names, np.arange(count), lambda index: pictures[index])


def test_hashing_finds_painted_cards_on_easy_pictures():
    cards = painted(20)
    found = evaluate.recognition(evaluate.hash_embedding, cards, (64, 96), strength="easy", queries=20, gallery=cards)
    assert found["recall_at_1"]["recall"] >= 0.9


def test_cards_are_looked_for_in_a_gallery_of_others_as_well():
    cards, others = painted(10), painted(30, seed=1)
    among, without = (
        evaluate.recognition(evaluate.hash_embedding, cards, (64, 96), strength="easy", queries=5, gallery=gallery)
        for gallery in (cards.joined(others, 20), others)
    )
    assert (among["recall_at_1"]["queries"], among["recall_at_1"]["recall"]) == (5, 1.0)
    assert without["recall_at_5"]["recall"] == without["art_recall_at_5"]["recall"] == 0.0
