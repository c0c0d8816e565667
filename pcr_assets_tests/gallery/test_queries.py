"""What the gallery says to pictures that are nothing but a card."""

import numpy as np

from edge_runtime.gallery import Card, Match
from pcr_assets.gallery.queries import ask, measured


class Halves:
    """Sees how bright the upper half of a card is, and the lower."""

    input_size = (4, 6)

    def embed(self, cards):
        halves = np.stack([cards[:, :3].mean(axis=(1, 2, 3)), cards[:, 3:].mean(axis=(1, 2, 3))], axis=1)
        return halves / np.linalg.norm(halves, axis=1, keepdims=True)


class Bright:
    """A gallery of one card, white above and black below."""

    card = Card("base1-4", "Charizard", "base1", "4", "base1-4")

    def search(self, vectors, count):
        return [[Match(self.card, float(vector[0]))] for vector in vectors]


def card(upper, lower):
    return np.repeat(np.array([upper, lower], np.uint8), 60)[:, None, None].repeat(80, axis=1).repeat(3, axis=2)


def test_a_picture_is_asked_as_it_is():
    pictures = [card(255, 1), card(1, 255)]
    found = ask(Halves(), Bright(), pictures.__getitem__, 2)
    assert [round(matches[0].similarity, 1) for matches in found] == [1.0, 0.0]


def test_a_card_that_is_not_among_the_matches_has_been_found_nowhere():
    found = measured(["base1-4", "base1-5"], ["base1-4", "base1-5"], [[Match(Bright.card, 0.9)]] * 2)
    assert (found["recall_at_1"], found["recall_at_5"], found["queries"]) == (0.5, 0.5, 2)


def test_a_card_that_is_not_among_the_matches_is_less_similar_than_all_of_them():
    far = Card("base1-9", "Far", "base1", "9", "base1-9")
    found = measured(
        ["base1-4", "base1-5"],
        ["base1-4", "base1-5"],
        [[Match(Bright.card, 0.9), Match(Bright.card, 0.3)], [Match(Bright.card, 0.7), Match(far, 0.5)]],
    )
    assert (round(found["same_card_cosine"], 3), found["same_card_above_0.8"]) == (0.7, 0.5)


def test_a_twin_named_for_a_card_is_wrong_for_the_card_and_right_for_the_art():
    a, b, c = (Card(name, name, "base1", "1", art) for name, art in (("a", "a"), ("b", "a"), ("c", "c")))
    matches = [
        [Match(a, 0.9), Match(b, 0.8), Match(c, 0.1)],
        [Match(a, 0.7), Match(b, 0.6), Match(c, 0.3)],
        [Match(a, 0.4), Match(c, 0.2)],
    ]
    found = measured(["a", "b", "c"], ["a", "a", "c"], matches)
    assert (round(found["recall_at_1"], 2), round(found["art_recall_at_1"], 2)) == (0.33, 0.67)
    assert found["recall_at_5"] == 1.0
