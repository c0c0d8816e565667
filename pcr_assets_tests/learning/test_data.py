"""Which card a slot shows, which scans can't be told apart, and cards of several splits together."""

import numpy as np
import torch

from pcr_assets.learning.data import Cards, indistinguishable, shuffled
from pcr_assets.learning.schedule import Picks, Stretch, stretches
from pcr_assets.learning.settings import Phase, TrainingSettings
from pcr_assets.learning.stages import nearest_others


def test_scans_of_one_card_and_cards_of_one_picture_share_a_class():
    classes = indistinguishable(["a", "a", "b", "c", "d"], ["1", "2", "2", "3", "4"])
    assert classes.tolist() == [0, 0, 0, 1, 2]


def test_classes_join_through_a_card_that_came_later():
    assert len(set(indistinguishable(["a", "b", "c", "c"], ["1", "2", "1", "2"]).tolist())) == 1


def named(names, classes):
    """Cards whose picture is their name."""
    return Cards(list(names), list(names.upper()), np.array(classes, int), lambda row: names[row])


def test_cards_that_join_others_keep_their_pictures_and_share_no_class_with_them():
    own, others = named("ab", [0, 1]), named("cdefg", [0, 1, 1, 2, 3])
    both = own.joined(others, most=3)
    assert [both.image(row) for row in range(len(both))] == both.card_ids == ["a", "b", "c", "e", "g"]
    assert both.art_groups == ["A", "B", "C", "E", "G"]
    assert both.classes.tolist() == [0, 1, 2, 3, 5]
    assert own.joined(others, most=0).card_ids == ["a", "b"]
    assert named("", []).joined(others, most=9).classes.tolist() == [0, 1, 1, 2, 3]


def test_each_epoch_shows_every_row_once_in_an_order_of_its_own():
    epochs = [[shuffled(10, 0, epoch * 10 + i) for i in range(10)] for epoch in range(2)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_neighbours_stand_beside_each_other_in_a_batch():
    neighbours = torch.tensor([[(i + 1) % 12, (i + 2) % 12] for i in range(12)])
    picks = Picks(12, TrainingSettings(batch=6), neighbours)
    rows = [picks(0, slot) for slot in range(6)]
    assert rows[1] == (rows[0] + 1) % 12
    assert rows[2] == (rows[0] + 2) % 12
    assert rows[4] == (rows[3] + 1) % 12


def test_a_card_has_no_more_neighbours_than_there_are_other_cards():
    embeddings, classes = torch.eye(3), np.arange(3)
    assert nearest_others(embeddings[:2], classes[:2], 3).tolist() == [[1], [0]]
    assert nearest_others(embeddings[:1], classes[:1], 3).shape == (1, 0), "then a batch is not grouped"
    assert nearest_others(embeddings, classes, 2).sort().values.tolist() == [[1, 2], [0, 2], [0, 1]]


def test_the_rate_rises_then_falls_to_nothing():
    stretch = Stretch(Phase(steps=100), 10, 110)
    rates = [stretch.rate(step, 0.1) for step in range(10, 110)]
    assert 0.99 < rates[10] == max(rates) <= 1
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.01


def test_epochs_count_the_cards_that_are_there():
    settings = TrainingSettings(batch=128, phases=(Phase(epochs=20, learns="head"), Phase(epochs=10, learns=4)))
    assert [(s.start, s.stop) for s in stretches(settings, 12_800)] == [(0, 2000), (2000, 3000)]


def test_few_cards_are_not_shown_for_ever():
    settings = TrainingSettings(batch=32, phases=(Phase(steps=1600), Phase(epochs=40)), most_epochs=100)
    assert [s.stop - s.start for s in stretches(settings, 32)] == [100, 40]
    assert [s.stop - s.start for s in stretches(settings, 3540)] == [1600, 4425]
