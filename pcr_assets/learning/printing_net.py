"""The network that tells one printing from another, and its ONNX file. It runs on the processor: one card at a time."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from edge_runtime.judging.references import HALF
from pcr_assets.learning.to_onnx import to_onnx


class PrintingNet(nn.Module):
    """Pairs float32 N×2×H×W of a card and a picture, both evened, to logits N: above 0 where they are likelier one printing.

    The third plane is their product: positive where both agree. Each width is a convolution that halves the sides of the map;
    after the first one comes another that keeps them. The greatest value of a map counts beside its mean, since few places may
    differ.
    """

    def __init__(self, widths: Sequence[int]):
        super().__init__()
        maps: list[nn.Module] = []
        for at, (before, after) in enumerate(zip((3, *widths[:-1]), widths, strict=True)):
            maps.append(_convolution(before, after, 2))
            if at:
                maps.append(_convolution(after, after, 1))
        self.maps = nn.Sequential(*maps)
        self.head = nn.Linear(2 * widths[-1], 1)

    def forward(self, pairs: Tensor) -> Tensor:
        """The logits, float32 N."""
        maps = self.maps(torch.cat([pairs, pairs[:, :1] * pairs[:, 1:]], dim=1)).flatten(2)
        return self.head(torch.cat([maps.mean(dim=2), maps.amax(dim=2)], dim=1)).squeeze(1)


def _convolution(before: int, after: int, stride: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()
    )


class _Served(nn.Module):
    def __init__(self, net: PrintingNet):
        super().__init__()
        self.net = net

    def forward(self, pairs: Tensor) -> Tensor:
        return self.net(pairs).sigmoid()


def export(net: PrintingNet, path: Path) -> None:
    """Write the network as ``path``: ``pairs`` float32 N×2×H×W, N free, to ``probability`` float32 N."""
    to_onnx(_Served(net), torch.zeros(2, 2, HALF[1], HALF[0]), path, "pairs", "probability", {0: "cards"})
