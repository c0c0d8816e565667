"""Judging an embedding on pictures: the hash baseline, and the gate that a teacher has to pass."""

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
    found = evaluate.recognition(evaluate.hash_embedding, cards, (64, 96), strength="easy", queries=20)
    assert found["recall_at_1"]["recall"] >= 0.9


def test_a_teacher_that_guesses_does_not_pass_the_gate():
    def guess(view, count):
        return np.random.default_rng(count).standard_normal((count, 16)).astype(np.float32)

    cards = painted(20)
    gate = evaluate.teacher_gate(guess, cards, (64, 96), gallery=cards.joined(painted(30, 1), 30), strength="easy")
    assert not gate["passed"]
    assert "no more cards than perceptual hashing" in gate["sentence"]
