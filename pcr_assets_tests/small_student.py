"""A small student and cards for it, shared by tests of export, quantization, compiler and gallery."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

SIZE = (64, 96)


@dataclass(frozen=True)
class Student:
    """A student's weights and spec on disk, and both its exports."""

    folder: Path
    job: dict
    served: Path
    for_hailo: Path


def painted_cards(count: int, seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Cards of coloured fields, uint8 N×H×W×3."""
    width, height = size
    fields = np.random.default_rng(seed).integers(0, 256, (count, 12, 8, 3), dtype=np.uint8)
    return np.ascontiguousarray(np.kron(fields, np.ones((1, height // 12, width // 8, 1), np.uint8)))


@pytest.fixture(scope="session")
def student(tmp_path_factory: pytest.TempPathFactory) -> Student:
    """EfficientNet-Lite0 with ImageNet weights and 32 dimensions at 64×96, exported once."""
    import json

    import torch
    from safetensors.torch import save_file

    from pcr_assets.learning.backbones import build
    from pcr_assets.learning.export import run
    from pcr_assets.learning.spec import ModelSpec

    folder = tmp_path_factory.mktemp("student")
    torch.manual_seed(0)
    spec = ModelSpec(embedding_dim=32, input_size=SIZE)
    save_file(build(spec).state_dict(), folder / "weights.safetensors")
    (folder / "model.json").write_text(json.dumps(spec.as_json()))
    np.save(folder / "cards.npy", painted_cards(8))
    job = {
        "weights": str(folder / "weights.safetensors"),
        "model": str(folder / "model.json"),
        "images": str(folder / "cards.npy"),
        "out": str(folder / "exported"),
        "threads": 1,
    }
    run(job)
    return Student(folder, job, folder / "exported/student.onnx", folder / "exported/student_hailo.onnx")
