"""Embedding many pictures with a model in training: banks, prototypes, queries. The gallery is embedded by edge_runtime.

On a CPU the network is handed to ONNX Runtime, which runs the same graph three to four times as fast as torch does.
"""

import io
from collections.abc import Callable
from typing import Literal

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from pcr_assets.learning.backbones import EmbeddingNet
from pcr_assets.learning.batches import BATCH, of_all
from pcr_assets.learning.data import Image
from pcr_assets.learning.to_onnx import to_onnx

Part = Literal["embeddings", "features"]
FEW = 64
"""Pictures for which torch is asked itself: handing a network over takes as long as they do, a second."""


def each(
    net: EmbeddingNet,
    view: Callable[[int], Image],
    count: int,
    *,
    part: Part = "embeddings",
    say: Callable[[str], None] | None = None,
    what: str = "embedding",
) -> Tensor:
    """The unit embeddings (or pooled features) of the views 0..count-1, in order: float32 count×D on the CPU."""
    learning = net.training
    compute = _compute(net.eval(), part, count)
    found = []
    for step, images in enumerate(of_all(view, count)):
        found.append(compute(images))
        if say is not None and (step + 1) % 20 == 0:
            say(f"{what} {min((step + 1) * BATCH, count)}/{count}")
    net.train(learning)
    return torch.cat(found)[:count].clone()


def by(
    net: EmbeddingNet, say: Callable[[str], None] | None = None, what: str = "embedding"
) -> Callable[[Callable[[int], Image], int], np.ndarray]:
    """The network as evaluate.py takes any embedding: (view of i, count) to unit vectors count×D."""
    return lambda view, count: each(net, view, count, say=say, what=what).numpy()


class _Part(nn.Module):
    def __init__(self, net: EmbeddingNet, part: Part):
        super().__init__()
        self.net, self.part = net, part

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images) if self.part == "embeddings" else self.net.features(images)


def _compute(net: EmbeddingNet, part: Part, count: int) -> Callable[[Tensor], Tensor]:
    """A function of images N×3×H×W, uint8, by the fastest runtime there is for the network's device and so many images."""
    device = next(net.parameters()).device
    # Transformers gain nothing and export slowly.
    if device.type != "cpu" or count <= FEW or net.spec.backbone.startswith("vit"):
        module = _Part(net, part)

        def with_torch(images: Tensor) -> Tensor:
            with torch.inference_mode():
                return module(images.to(device)).float().cpu()

        return with_torch
    session = _session(_Part(net, part))
    return lambda images: torch.from_numpy(session.run(None, {"images": images.contiguous().numpy()})[0])


def _session(module: nn.Module) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    buffer = io.BytesIO()
    example = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    to_onnx(module, example, buffer, "images", "vectors", {0: "batch", 2: "height", 3: "width"})
    return ort.InferenceSession(buffer.getvalue(), options, providers=["CPUExecutionProvider"])
