"""One step of training: a network and its loss as one module, shown a batch in one part or several, by one process or many."""

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from pcr_assets.learning import together
from pcr_assets.learning.backbones import EmbeddingNet
from pcr_assets.learning.settings import TrainingSettings
from pcr_assets.learning.together import CannotShare, Team


class Lesson(nn.Module):
    """What a step computes, from pictures to the loss: in one module, so that processes average all gradients of it."""

    def __init__(self, net: EmbeddingNet, criterion: nn.Module, settings: TrainingSettings):
        super().__init__()
        self.net, self.criterion, self.settings = net, criterion, settings
        self._see = torch.compile(net) if settings.compile else net

    def forward(self, images: Tensor, rows: Tensor, ripeness: float) -> Tensor:
        """The loss of images N×3×H×W that show these rows of the cards."""
        device = images.device.type
        if not self.settings.channels_last:
            images = images.contiguous()  # pictures are read pixel by pixel, and the network follows its input
        halved = self.settings.precision == "bfloat16" or (self.settings.precision == "auto" and device == "cuda")
        with torch.autocast(device, torch.bfloat16, enabled=halved):
            embeddings = self._see(images)
        return self.criterion(embeddings.float(), rows, ripeness=ripeness)


def can_be_shared(net: EmbeddingNet, settings: TrainingSettings, team: Team) -> None:
    """Refuse what several processes would compute otherwise than one, and a loss over a whole batch in parts.

    Raises CannotShare.
    """
    team.share(settings.batch, settings.accumulate)
    if settings.accumulate > 1 and getattr(settings, "koleo_weight", None):
        raise CannotShare(
            "KoLeo compares all views of a batch, which accumulate shows in parts: set one of the two to none"
        )
    trained = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in net.modules())
    if trained and not team.alone and net.mean.device.type != "cuda":
        raise CannotShare(
            "processes without GPUs can't share the statistics of BatchNorm: set batch_norm: folded, or train in one"
        )


def normalised_together(net: EmbeddingNet, team: Team) -> EmbeddingNet:
    """The network with the statistics of its BatchNorms taken over all processes, as one process takes them over its batch."""
    if team.alone:
        return net
    from timm.layers import convert_sync_batchnorm  # knows timm's layers, which hang their activation on the norm

    return convert_sync_batchnorm(net)


def taught(lesson: Lesson, team: Team) -> nn.Module:
    """The lesson, averaging gradients over the team; to be made anew when other parameters learn."""
    if team.alone:
        return lesson
    device = lesson.net.mean.device
    # Buffers are the same on all: banks of embeddings are large, and statistics of BatchNorm are shared as they are taken.
    return DistributedDataParallel(
        lesson, device_ids=[device.index] if device.type == "cuda" else None, forward_sync_buffers=False
    )


def learn(
    lesson: Any,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    rows: Tensor,
    ripeness: float,
    settings: TrainingSettings,
    team: Team,
) -> float:
    """One step on this process's share of a batch; gives the loss of the whole batch. Raises FloatingPointError."""
    optimizer.zero_grad(set_to_none=True)
    parts = settings.accumulate
    total = torch.zeros((), device=rows.device)
    for at, (some, which) in enumerate(zip(images.chunk(parts), rows.chunk(parts), strict=True)):
        last = at == parts - 1
        with nullcontext() if last or team.alone else lesson.no_sync():  # gradients travel once a step
            loss = lesson(some.to(rows.device), which, ripeness) / parts
            loss.backward()
        total += loss.detach()
    total = together.mean(total, team)
    _finite(total)
    _down(optimizer, settings.clip_norm)
    return float(total)


def descend(optimizer: torch.optim.Optimizer, loss: Tensor, clip_norm: float) -> None:
    """One step down the gradient of a loss, in one process. Raises FloatingPointError when the loss is no number any more."""
    _finite(loss)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    _down(optimizer, clip_norm)


def _finite(loss: Tensor) -> None:
    if not torch.isfinite(loss):
        raise FloatingPointError("the loss is no number any more: halve the learning rate of this phase")


def _down(optimizer: torch.optim.Optimizer, clip_norm: float) -> None:
    nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], clip_norm)
    optimizer.step()
