"""The network that tells outlines of whole cards from all others, and its ONNX file.

Tiny, since a photo offers a hundred outlines, and made of what the Hailo compiler knows: convolutions, ReLU6 and one
fully connected layer. That layer looks at every place of the last map, where pooling over all places would forget
whether the card's edge lies on the outline or beside it.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pcr_assets.learning.to_onnx import to_onnx

MEAN, STD = 127.0, 128.0


class OutlineNet(nn.Module):
    """Crops N×3×H×W, uint8 or float in 0..255, to logits N: above 0 where a whole card is likelier than anything else.

    Each width is a convolution that halves the sides of the map.
    """

    def __init__(self, size: tuple[int, int], widths: Sequence[int]):
        super().__init__()
        steps = zip((3, *widths[:-1]), widths, strict=True)
        self.maps = nn.Sequential(*(_Halving(before, after) for before, after in steps))
        with torch.no_grad():
            places = self.maps.eval()(torch.zeros(1, 3, size[1], size[0]))[0].numel()
        self.head = nn.Linear(places, 1)

    def forward(self, crops: Tensor) -> Tensor:
        """The logits, float32 N."""
        return self.head(self.maps((crops.float() - MEAN) / STD).flatten(1)).squeeze(1)


class _Halving(nn.Module):
    def __init__(self, before: int, after: int):
        super().__init__()
        self.convolution = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, maps: Tensor) -> Tensor:
        return functional.relu6(self.norm(self.convolution(maps)))

    def merged(self) -> nn.Module:
        """The same, in one convolution."""
        return nn.Sequential(fuse_conv_bn_eval(self.convolution, self.norm), nn.ReLU6())


class _Served(nn.Module):
    """uint8 crops N×H×W×3 to probabilities N, each BatchNorm merged into its convolution."""

    def __init__(self, net: OutlineNet):
        super().__init__()
        self.maps = nn.Sequential(*(step.merged() for step in net.eval().maps if isinstance(step, _Halving)))
        self.head = net.head

    def forward(self, crops: Tensor) -> Tensor:
        maps = self.maps((crops.float().permute(0, 3, 1, 2) - MEAN) / STD)
        return self.head(maps.flatten(1)).squeeze(1).sigmoid()


def export(net: OutlineNet, size: tuple[int, int], path: Path) -> None:
    """Write the network as ``path``: ``crops`` uint8 N×H×W×3, N free, to ``probability`` float32 N."""
    crops = torch.zeros(2, size[1], size[0], 3, dtype=torch.uint8)
    to_onnx(_Served(net), crops, path, "crops", "probability", {0: "outlines"})
