"""Features of the student's own backbone before any card was seen: EfficientNet-Lite0 with its ImageNet weights.

Exported and run like ours. GAP averages the last maps, GeM takes their generalised mean, which is better for retrieval
(Radenović et al., TPAMI 2018).
"""

from typing import Literal

from peers.base import Context, Entry, Peer
from peers.embeddings import Embeddings, onnx_embed

FAMILY = "ImageNet features"


def untrained(context: Context, pooling: Literal["native", "gem"]) -> Peer:
    """The backbone without its head, as ONNX."""
    from torch import nn

    from pcr_assets.learning.backbones import build
    from pcr_assets.learning.export import STUDENT, export_onnx
    from pcr_assets.learning.spec import ModelSpec

    spec = ModelSpec(pooling=pooling)
    model = build(spec)
    model.head = nn.Identity()
    export_onnx(model, spec, context.scratch / pooling)
    return Embeddings(onnx_embed(context.scratch / pooling / STUDENT), spec.input_size)


ENTRIES = [
    Entry("EfficientNet-Lite0, GAP", FAMILY, "ImageNet weights, no training", lambda c: untrained(c, "native")),
    Entry("EfficientNet-Lite0, GeM", FAMILY, "ImageNet weights, no training", lambda c: untrained(c, "gem")),
]
