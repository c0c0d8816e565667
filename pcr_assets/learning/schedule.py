"""When what learns and how fast: the phases of a run, the learning rate of each step, and which card a slot shows."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pcr_assets.learning.backbones import EmbeddingNet, blocks
from pcr_assets.learning.data import shuffled
from pcr_assets.learning.settings import Phase, TrainingSettings


@dataclass(frozen=True)
class Stretch:
    """The steps ``start <= step < stop`` of one phase."""

    phase: Phase
    start: int
    stop: int

    def rate(self, step: int, warmup: float) -> float:
        """The share of the peak learning rate at a step: a linear rise, then half a cosine down to zero."""
        progress = (step + 0.5 - self.start) / (self.stop - self.start)
        if progress < warmup:
            return progress / warmup
        return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


def stretches(settings: TrainingSettings, cards: int) -> list[Stretch]:
    """The phases of a run over so many cards, one after the other."""
    found, start = [], 0
    for phase in settings.phases:
        stop = start + phase.length(cards, settings.batch, settings.most_epochs)
        found.append(Stretch(phase, start, stop))
        start = stop
    return found


def optimizer_for(net: EmbeddingNet, criterion: nn.Module, phase: Phase, weight_decay: float) -> torch.optim.AdamW:
    """AdamW over what learns in a phase, and nothing else gets gradients. Biases and proxies are not decayed.

    Each group carries ``times``, its multiple of the phase's learning rate.
    """
    net.requires_grad_(False)
    learning: list[nn.Module] = [net.head]
    if phase.learns == "all":
        learning.append(net.backbone)
    elif isinstance(phase.learns, int):
        learning += blocks(net)[-phase.learns :]
    for module in learning:
        module.requires_grad_(True)

    def group(parameters: Iterator[nn.Parameter], times: float, decayed: bool) -> dict[str, object]:
        return {
            "params": [p for p in parameters if p.requires_grad and (p.ndim > 1) == decayed],
            "times": times,
            "weight_decay": weight_decay if decayed else 0.0,
        }

    groups = [group(net.backbone.parameters(), 1.0, True), group(net.backbone.parameters(), 1.0, False)]
    groups += [
        group(net.head.parameters(), phase.head_rate, True),
        group(net.head.parameters(), phase.head_rate, False),
    ]
    groups.append({"params": list(criterion.parameters()), "times": phase.proxy_rate, "weight_decay": 0.0})
    return torch.optim.AdamW([g for g in groups if g["params"]], fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of the next step, for each group of :func:`optimizer_for` as many times as it asks."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["times"]


def learning_mode(net: EmbeddingNet) -> None:
    """The network's training mode, after :func:`optimizer_for`: BatchNorms that don't learn keep their statistics as well."""
    net.train()
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not (module.affine and module.weight.requires_grad):
            module.eval()


class Picks:
    """Which row of the cards each slot of each step shows: ``picks(step, slot)``.

    Rows come in a new order each epoch. With ``neighbours`` N×K, a batch is made of groups: a card of that order and its
    K nearest others, so that the cards it is confused with stand beside it.
    """

    def __init__(self, count: int, settings: TrainingSettings, neighbours: Tensor | None):
        self.count, self.batch, self.seed = count, settings.batch, settings.seed
        self.neighbours = neighbours.tolist() if neighbours is not None and neighbours.shape[1] else None
        self.group = 1 + (len(self.neighbours[0]) if self.neighbours else 0)

    def __call__(self, step: int, slot: int) -> int:
        """The row of a slot."""
        groups = -(-self.batch // self.group)
        head = shuffled(self.count, self.seed, step * groups + slot // self.group)
        member = slot % self.group
        return self.neighbours[head][member - 1] if self.neighbours and member else head
