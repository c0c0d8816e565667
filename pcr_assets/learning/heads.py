"""First weights for a linear head in closed form: what thousands of steps of descent would find is one linear system.

Both fits see each card twice, clean and through the camera, in the features of a backbone that does not learn yet.
"""

import torch
from torch import Tensor, nn

SHRINKAGE = 0.5  # of the scatter within cards, towards a multiple of the identity: docs/ablations.md


def discriminant(clean: Tensor, seen: Tensor, dimensions: int) -> tuple[Tensor, Tensor]:
    """Weights D×C and bias D of the projection in which views of one card lie close and cards lie apart.

    ``clean`` and ``seen`` are features N×C of the same N cards. Linear discriminant analysis, as it is used to whiten
    image descriptors (Mikolajczyk & Matas, ICCV 2007; Radenović et al., TPAMI 2018, §3.3): the scatter within cards
    becomes the identity, then the principal axes of the cards are kept. ``dimensions`` beyond C are zero.
    """
    clean, seen = clean.double(), seen.double()
    differences = seen - clean
    within = differences.T @ differences / len(clean)
    within += SHRINKAGE * within.diagonal().mean() * torch.eye(within.shape[0], dtype=within.dtype)
    values, axes = torch.linalg.eigh(within)
    whiten = axes / values.sqrt() @ axes.T
    centre = (clean.mean(dim=0) + seen.mean(dim=0)) / 2
    spread = (clean - centre) @ whiten
    principal = torch.linalg.eigh(spread.T @ spread).eigenvectors.flip(1).T[:dimensions]
    weight = torch.zeros(dimensions, clean.shape[1], dtype=clean.dtype)
    weight[: len(principal)] = principal @ whiten
    return _as_initialised(weight, -weight @ centre)


def regression(clean: Tensor, seen: Tensor, targets: Tensor, ridge: float = 0.03) -> tuple[Tensor, Tensor]:
    """Weights D×C and bias D that bring features of clean and seen cards (N×C each) nearest to unit ``targets`` N×D.

    Ridge regression; ``ridge`` is relative to the mean variance of the features.
    """
    features, wanted = torch.cat([clean, seen]).double(), torch.cat([targets, targets]).double()
    centre, middle = features.mean(dim=0), wanted.mean(dim=0)
    features, wanted = features - centre, wanted - middle
    scatter = features.T @ features
    scatter += ridge * scatter.diagonal().mean() * torch.eye(scatter.shape[0], dtype=scatter.dtype)
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
