"""Embedding with a network in training: a handful by torch, many by ONNX Runtime, with the same result."""

import pytest
import torch

from pcr_assets.learning import embed
from pcr_assets.learning.backbones import build
from pcr_assets.learning.spec import ModelSpec
from pcr_assets_tests.small_student import SIZE, painted_cards


@pytest.mark.parametrize("part", ["embeddings", "features"])
def test_many_pictures_get_the_vectors_that_a_handful_gets(part):
    torch.manual_seed(0)
    net = build(ModelSpec(embedding_dim=32, input_size=SIZE)).train()
    cards = painted_cards(5)

    def view(number):
        return cards[number % len(cards)]

    many = embed.each(net, view, embed.FEW + 1, part=part)
    few = embed.each(net, view, len(cards), part=part)
    torch.testing.assert_close(many[: len(cards)], few, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(many[-1], few[embed.FEW % len(cards)], rtol=1e-3, atol=1e-4)
    assert net.training
