"""The student as ONNX, for ONNX Runtime and for the Hailo compiler. ``python -m pcr_assets.learning.export JOB.json``."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from pcr_assets import digests
from pcr_assets.learning import job_file, onnx_graph
from pcr_assets.learning.agreement import Agreement, agreement
from pcr_assets.learning.backbones import EmbeddingNet, WeightsError
from pcr_assets.learning.job import TrainedModel
from pcr_assets.learning.spec import ModelSpec
from pcr_assets.learning.to_onnx import to_onnx

STUDENT = "student.onnx"
HAILO = "student_hailo.onnx"
MAX_IR_VERSION = 8
# What EfficientNet-Lite and a linear head are made of. A Pad, Shape or Slice here means padding that was not folded.
# Concat joins what a head sees of several blocks; the last three are GeM pooling.
HAILO_OPERATORS = frozenset(
    {"Conv", "Clip", "Relu", "Add", "GlobalAveragePool", "Flatten", "Reshape", "Gemm", "Concat", "Constant"}
    | {"Mul", "ReduceMean", "Pow"}
)
LEAST_COSINE = 0.9999


class ExportError(RuntimeError):
    """A model that can't be exported, or whose export computes something else."""


class _Served(nn.Module):
    """uint8 cards N×H×W×3 as they come from the rectifier, to unit embeddings N×D."""

    def __init__(self, model: EmbeddingNet):
        super().__init__()
        self.model = model

    def forward(self, cards: Tensor) -> Tensor:
        embedding = self.model.projection(cards.float().permute(0, 3, 1, 2))
        # functional.normalize in operators that need no shapes: ReduceL2, Clip, Div.
        return embedding / embedding.norm(dim=1, keepdim=True).clamp(min=1e-12)


class _Compiled(nn.Module):
    """One normalised card 1×3×H×W to its embedding before the scaling to unit length: what runs on the accelerator."""

    def __init__(self, model: EmbeddingNet):
        super().__init__()
        self.model = model

    def forward(self, card: Tensor) -> Tensor:
        return self.model.head(self.model.pooled(card))


def export_onnx(model: EmbeddingNet, spec: ModelSpec, out_dir: Path) -> dict[str, Path]:
    """Write ``student.onnx`` and ``student_hailo.onnx`` into ``out_dir``; returns their paths by name.

    ``student.onnx``: ``image`` uint8 N×H×W×3 RGB 0..255, N free, to ``embedding`` float32 N×D of unit length.
    ``student_hailo.onnx``: ``image`` float32 1×3×H×W, already normalised (inside the HEF the model script does it), to
    ``embedding`` float32 1×D before the scaling to unit length (the host does it). Raises :class:`ExportError`.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    width, height = spec.input_size
    model = model.eval().cpu()
    served, compiled = out_dir / STUDENT, out_dir / HAILO
    export_served(model, spec, served)
    _write(_Compiled(model), torch.zeros(1, 3, height, width), spec, compiled, {})
    foreign = {node.op_type for node in onnx.load(str(compiled)).graph.node} - HAILO_OPERATORS
    if foreign:
        raise ExportError(
            f"{spec.backbone} exports operators the Hailo compiler should not meet ({', '.join(sorted(foreign))}): choose a "
            "backbone with fixed padding and plain activations, such as efficientnet_lite0 (not tf_efficientnet_lite0)"
        )
    return {STUDENT: served, HAILO: compiled}


def export_served(model: EmbeddingNet, spec: ModelSpec, path: Path) -> Path:
    """Write the graph that servers and devices run: see :func:`export_onnx`. Any backbone will do."""
    width, height = spec.input_size
    cards = torch.zeros(1, height, width, 3, dtype=torch.uint8)
    _write(_Served(model.eval().cpu()), cards, spec, path, {0: "batch"})
    return path


def _write(module: nn.Module, example: Tensor, spec: ModelSpec, path: Path, free: dict[int, str]) -> None:
    to_onnx(module, example, path, "image", "embedding", free)
    written = onnx.load(str(path))
    if written.ir_version > MAX_IR_VERSION:
        raise ExportError(
            f"torch {torch.__version__} wrote IR version {written.ir_version}: the Hailo compiler reads 8 at most"
        )
    onnx_graph.set_metadata(written, _described(spec))
    onnx.checker.check_model(written)
    onnx.save(written, str(path))


def _described(spec: ModelSpec) -> dict[str, str]:
    return {
        "input_size": ",".join(str(side) for side in spec.input_size),
        "embedding_dim": str(spec.embedding_dim),
        "mean": ",".join(f"{value:.9g}" for value in spec.mean),
        "std": ",".join(f"{value:.9g}" for value in spec.std),
        "backbone": spec.backbone,
        "licence": spec.licence,
    }


def parity(onnx_path: Path, model: EmbeddingNet, images: np.ndarray) -> Agreement:
    """Agreement of an exported graph (either of the two) with torch on cards uint8 N×H×W×3."""
    with torch.inference_mode():
        batches = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).split(onnx_graph.BATCH)
        expected = torch.cat([model.eval()(batch) for batch in batches]).numpy()
    return agreement(expected, onnx_graph.embed(onnx_path, images))


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Export the student of a job and check it against torch; returns and writes ``export.json``.

    ``weights``: a safetensors file; ``model``: the JSON file of its :class:`ModelSpec`; ``out``: a folder; ``images``: a
    .npy of cards uint8 N×H×W×3 for the check (without it: noise); ``threads``. Raises :class:`ExportError` and WeightsError.
    """
    torch.set_num_threads(int(job.get("threads", torch.get_num_threads())))
    torch.set_flush_denormal(True)
    model, out = TrainedModel(weights=job["weights"], model=job["model"]).load(), Path(job["out"])
    spec = model.spec
    files = export_onnx(model, spec, out)
    images = np.load(job["images"]) if "images" in job else noise(spec, 8)
    agreements = {name: parity(path, model, images) for name, path in files.items()}
    for name, found in agreements.items():
        print(f"{name}: cosine to torch at least {found.minimum:.6f}", flush=True)
        if not found.minimum >= LEAST_COSINE:
            raise ExportError(f"{name} departs from torch: cosine {found.minimum:.6f}, least allowed {LEAST_COSINE}")
    described = {
        name: {"digest": onnx_graph.graph_digest(path), "bytes": path.stat().st_size} for name, path in files.items()
    }
    result = {
        "digest": digests.of_json({name: entry["digest"] for name, entry in described.items()}),
        "files": described,
        "input_size": list(spec.input_size),
        "embedding_dim": spec.embedding_dim,
        "parity": {name: found.as_json() for name, found in agreements.items()},
    }
    (out / "export.json").write_text(json.dumps(result, indent=1, sort_keys=True))
    return result


def noise(spec: ModelSpec, count: int) -> np.ndarray:
    """So many pictures of noise, uint8 N×H×W×3: two graphs that compute the same agree on any."""
    width, height = spec.input_size
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


if __name__ == "__main__":
    try:
        run(job_file.read("pcr_assets.learning.export", __doc__, sys.argv[1:]))
    except (ExportError, WeightsError, OSError) as error:
        sys.exit(str(error))
