"""Heads fitted in closed form."""

import pytest
import torch
from torch.nn.functional import normalize

from pcr_assets.learning import heads


def cards(count: int = 200, width: int = 12, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of cards that differ in the first six directions and are disturbed, strongly, in the last six."""
    generator = torch.Generator().manual_seed(seed)
    identity = torch.randn(count, width, generator=generator)
    identity[:, 6:] *= 0.1
    disturbance = 4 * torch.randn(count, width, generator=generator)
    disturbance[:, :6] *= 0.02
    return identity, identity + disturbance


def found(clean, seen):
    return float(
        ((normalize(seen, dim=1) @ normalize(clean, dim=1).T).argmax(dim=1) == torch.arange(len(clean))).float().mean()
    )


def test_a_discriminant_head_ignores_what_the_camera_disturbs():
    fitted = cards(seed=0)
    weight, bias = heads.discriminant(*fitted, 8)
    clean, seen = cards(seed=1)
    assert found(clean, seen) < 0.5
    assert found(clean @ weight.T + bias, seen @ weight.T + bias) > 0.9


@pytest.mark.parametrize("fit", [heads.discriminant, heads.posterior])
def test_cards_that_the_camera_does_not_disturb_keep_the_axes_along_which_they_differ(fit):
    clean, _ = cards()
    weight, bias = fit(clean, clean.clone(), 12)
    assert found(clean @ weight.T + bias, clean @ weight.T + bias) == 1


def test_dimensions_beyond_the_features_are_zero():
    weight, bias = heads.discriminant(*cards(), 20)
    assert weight.shape == (20, 12)
    assert bias.shape == (20,)
    assert not weight[12:].any()


def test_few_cards_still_fill_every_dimension():
    weight, _ = heads.discriminant(*cards(count=5), 12)
    assert (weight.norm(dim=1) > 0).all()


def cosines(head, clean, seen):
    weight, bias = head
    return (normalize(clean @ weight.T + bias, dim=1) * normalize(seen @ weight.T + bias, dim=1)).sum(dim=1)


def test_a_posterior_head_brings_two_views_of_a_card_closer_and_still_finds_it():
    fitted = cards(seed=0)
    clean, seen = cards(seed=1)
    weight, bias = heads.posterior(*fitted, 12)
    assert found(clean @ weight.T + bias, seen @ weight.T + bias) > 0.9
    assert (
        cosines((weight, bias), clean, seen).mean() > cosines(heads.discriminant(*fitted, 12), clean, seen).mean() + 0.1
    )


def test_a_posterior_head_spreads_what_is_seen_over_all_dimensions_also_those_beyond_the_features():
    weight, bias = heads.posterior(*cards(), 20)
    clean, _ = cards(seed=1)
    spread = (clean @ weight.T + bias).std(dim=0)
    assert spread.shape == (20,)
    assert spread.max() < 6 * spread.min(), "a single scale of outputs serves all of them"


def test_regression_finds_a_linear_map_that_is_there():
    clean, _ = cards()
    true = torch.randn(5, 12, generator=torch.Generator().manual_seed(2))
    targets = normalize(clean @ true.T, dim=1)
    weight, bias = heads.regression(clean, clean, targets)
    assert float((normalize(clean @ weight.T + bias, dim=1) * targets).sum(dim=1).mean()) > 0.95


def test_only_a_linear_head_can_be_fitted():
    with pytest.raises(TypeError, match="head_fit_cards"):
        heads.set_linear(torch.nn.Sequential(), torch.zeros(1, 1), torch.zeros(1))
