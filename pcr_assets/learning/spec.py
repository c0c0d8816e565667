"""What is needed to build an embedding network again.

It is saved beside the weights, so nobody types a mean or an input size twice. A profile is checked by it before anything is
rented, so torch is not imported here.
"""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from pcr_assets.settings import AtLeast1, Sides

Above0 = Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class ModelSpec:
    """One embedding network.

    ``weights`` says where the backbone's first weights come from: ``package:efficientnet-lite0``, ``hub`` (timm downloads
    them), ``file:/path.safetensors`` or ``.pth``, or ``none`` (random, for tests). A store URI is fetched by the caller,
    who passes the file. ``mean`` and ``std`` are in units of 0..255. ``batch_norm`` ``folded`` merges each BatchNorm into
    its convolution before training: with the statistics of ImageNet kept, the network is the same, and a step on a
    CPU takes less than half the time. ``blocks_seen``: of so many of the backbone's last blocks the head sees the mean of each
    channel, besides the pooled features: of a network of timm's that gives the maps of its blocks.
    """

    backbone: str = "efficientnet_lite0"
    weights: str = "package:efficientnet-lite0"
    embedding_dim: AtLeast1 = 768
    input_size: Sides = (160, 224)
    mean: tuple[float, float, float] = (127.0, 127.0, 127.0)
    std: tuple[Above0, Above0, Above0] = (128.0, 128.0, 128.0)
    pooling: Literal["native", "gem"] = "native"
    head: Literal["linear", "mlp"] = "linear"
    blocks_seen: Annotated[int, Field(ge=0)] = 0
    batch_norm: Literal["folded", "trained"] = "folded"
    licence: str = "Apache-2.0"
    options: dict[str, Any] = field(default_factory=dict)  # handed to timm.create_model

    def as_json(self) -> dict[str, Any]:
        """The spec as a JSON value."""
        return asdict(self) | {"input_size": list(self.input_size), "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "ModelSpec":
        """The spec that :meth:`as_json` wrote."""
        tuples: dict[str, Any] = {name: tuple(value[name]) for name in ("input_size", "mean", "std") if name in value}
        return cls(**{**value, **tuples})
