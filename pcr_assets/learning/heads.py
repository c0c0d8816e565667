"""Weights of a linear head in closed form: what thousands of steps of descent would find is one linear system.

All fits see each card twice, clean and through the camera, in the features of a backbone that does not learn meanwhile.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

SHRINKAGE = 0.5  # of the scatter within cards, towards a multiple of the identity: docs/ablations.md
LAST_SHRINKAGE = 1.0  # the same for a head that no training follows
RIDGE = 0.03
LEAST_SCATTER = 1e-12  # within cards: a camera of strength none shows each as it is, and nothing could be whitened


class Axes(NamedTuple):
    """Where the axes of linear discriminant analysis lie: features are centred, whitened, and turned to the axes."""

    centre: Tensor  # C
    weight: Tensor  # C×C, an axis a row, the widest first
    variance: Tensor  # C, of the cards along each axis; within a card it is 1


def discriminant_axes(clean: Tensor, seen: Tensor, shrinkage: float) -> Axes:
    """Axes along which cards lie far apart and views of one card close together.

    ``clean`` and ``seen`` are features N×C of the same N cards. Linear discriminant analysis, as it is used to whiten
    image descriptors (Mikolajczyk & Matas, ICCV 2007; Radenović et al., TPAMI 2018, §3.3): the scatter within cards
    becomes the identity, then the principal axes of the cards are taken.
    """
    clean, seen = clean.double(), seen.double()
    differences = seen - clean
    within = differences.T @ differences / len(clean)
    mean = within.diagonal().mean().clamp(min=LEAST_SCATTER)
    within += shrinkage * mean * torch.eye(within.shape[0], dtype=within.dtype)
    values, axes = torch.linalg.eigh(within)
    whiten = axes / values.sqrt() @ axes.T
    centre = (clean.mean(dim=0) + seen.mean(dim=0)) / 2
    spread = (clean - centre) @ whiten
    scatter, principal = torch.linalg.eigh(spread.T @ spread)
    return Axes(centre, principal.flip(1).T @ whiten, scatter.flip(0).clamp(min=0) / len(clean))


def discriminant(clean: Tensor, seen: Tensor, dimensions: int) -> tuple[Tensor, Tensor]:
    """Weights D×C and bias D that keep the widest of :func:`discriminant_axes`. ``dimensions`` beyond C are zero."""
    axes = discriminant_axes(clean, seen, SHRINKAGE)
    kept = axes.weight[:dimensions]
    weight = torch.zeros(dimensions, clean.shape[1], dtype=kept.dtype)
    weight[: len(kept)] = kept
    return _as_initialised(weight, -weight @ axes.centre)


def posterior(clean: Tensor, seen: Tensor, dimensions: int) -> tuple[Tensor, Tensor]:
    """Weights D×C and bias D that give, for a view, where its card most likely lies.

    Probabilistic linear discriminant analysis (Ioffe, ECCV 2006): where cards have variance v along an axis and views of a
    card 1, the mean of the card's place, given one view, is v / (v + 1) of what was seen. Axes that are mostly noise count
    little, so two views of a card lie closer than by :func:`discriminant`.
    """
    axes = discriminant_axes(clean, seen, LAST_SHRINKAGE)
    kept = (axes.weight * (axes.variance / (axes.variance + 1))[:, None])[:dimensions]
    # Cosines don't change when all is turned. The few wide axes are spread over all dimensions, because an accelerator has
    # one scale for all outputs, at which the narrow ones would be rounded away.
    drawn = torch.randn(dimensions, len(kept), dtype=kept.dtype, generator=torch.Generator().manual_seed(0))
    weight = torch.linalg.qr(drawn).Q @ kept
    return _as_initialised(weight, -weight @ axes.centre)


def regression(clean: Tensor, seen: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Weights D×C and bias D that bring features of clean and seen cards (N×C each) nearest to unit ``targets`` N×D.

    Ridge regression; :data:`RIDGE` is relative to the mean variance of the features.
    """
    features, wanted = torch.cat([clean, seen]).double(), torch.cat([targets, targets]).double()
    centre, middle = features.mean(dim=0), wanted.mean(dim=0)
    features, wanted = features - centre, wanted - middle
    scatter = features.T @ features
    scatter += RIDGE * scatter.diagonal().mean() * torch.eye(scatter.shape[0], dtype=scatter.dtype)
    weight = torch.linalg.solve(scatter, features.T @ wanted).T
    return _as_initialised(weight, middle - weight @ centre)


def _as_initialised(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The same directions at the scale of freshly drawn weights, for which learning rates are made.

    Length is lost in the normalisation of embeddings, but Adam's steps have a size of their own: on weights ten times
    smaller a usual learning rate destroys the fit within a few steps.
    """
    scale = weight.square().mean().sqrt() * weight.shape[1] ** 0.5
    return (weight / scale).float(), (bias / scale).float()


def set_linear(head: nn.Module, weight: Tensor, bias: Tensor) -> None:
    """Put fitted weights into a linear head, in place. Raises TypeError for another kind of head."""
    if not isinstance(head, nn.Linear):
        raise TypeError("only a linear head can be fitted in closed form: set head_fit_cards to 0 for this one")
    with torch.no_grad():
        head.weight.copy_(weight)
        head.bias.copy_(bias)
