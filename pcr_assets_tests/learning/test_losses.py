"""Each loss against the same formula in a plain Python loop."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from pcr_assets.learning import losses


@pytest.fixture
def vectors():
    def make(count, dimensions=8, seed=0):
        return normalize(torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed)), dim=1)

    return make


def softmax_loss(logits, right):
    return math.log(sum(math.exp(x) for x in logits)) - logits[right]


@pytest.mark.parametrize("ripeness", [0.0, 0.5, 1.0])
def test_arcface_adds_its_margin_to_the_angle_of_the_right_class_only(vectors, ripeness):
    views, proxies, classes = vectors(5), vectors(4, seed=1), [0, 3, 1, 1, 2]
    expected = 0.0
    for view, right in zip(views, classes, strict=True):
        logits = []
        for number, proxy in enumerate(proxies):
            angle = math.acos(float(view @ proxy))
            logits.append(16 * math.cos(min(math.pi, angle + ripeness * 0.3 * (number == right))))
        expected += softmax_loss(logits, right) / len(classes)
    loss = losses.ArcFace(proxies, margin=0.3, scale=16)(views, torch.tensor(classes), ripeness)
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_arcface_never_rewards_an_angle_beyond_pi(vectors):
    away = vectors(1)
    loss = losses.ArcFace(-away, margin=0.5, scale=1.0)
    assert float(loss(away, torch.tensor([0]))) == pytest.approx(0.0)
    both = losses.ArcFace(torch.cat([-away, away]), margin=0.5, scale=1.0)(away, torch.tensor([0]))
    assert float(both) == pytest.approx(softmax_loss([-1.0, 1.0], 0), abs=1e-2)


def test_cosine_distance_is_zero_at_the_target_and_two_opposite_to_it(vectors):
    views = vectors(3)
    assert float(losses.cosine_distance(views, views)) == pytest.approx(0, abs=1e-6)
    assert float(losses.cosine_distance(views, -views)) == pytest.approx(2, abs=1e-6)


def test_relation_divergence_is_the_divergence_of_two_softmaxes_over_the_bank(vectors):
    students, targets, bank = vectors(3), vectors(3, seed=1), vectors(6, seed=2)
    expected = 0.0
    for student, target in zip(students, targets, strict=True):
        wanted = torch.softmax(bank @ target / 0.1, 0)
        found = torch.softmax(bank @ student / 0.1, 0)
        expected += sum(float(w) * (math.log(w) - math.log(f)) for w, f in zip(wanted, found, strict=True)) / 3
    assert float(losses.relation_divergence(students, targets, bank, 0.1)) == pytest.approx(expected, rel=1e-4)


def test_relation_divergence_asks_nothing_of_a_student_that_agrees(vectors):
    assert float(losses.relation_divergence(vectors(3), vectors(3), vectors(6), 0.05)) == pytest.approx(0, abs=1e-5)


def test_koleo_is_minus_the_mean_log_distance_to_the_nearest_other_card(vectors):
    views, cards = vectors(6), [0, 0, 1, 2, 2, 3]
    expected = 0.0
    for i, card in enumerate(cards):
        nearest = min(float((views[i] - views[j]).norm()) for j, other in enumerate(cards) if other != card)
        expected -= math.log(nearest) / len(cards)
    assert float(losses.koleo(views, torch.tensor(cards))) == pytest.approx(expected, rel=1e-4)


def test_koleo_of_one_card_alone_is_zero(vectors):
    assert float(losses.koleo(vectors(3), torch.zeros(3))) == 0
