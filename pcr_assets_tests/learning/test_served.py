"""Any trained model as the graph that servers run: checked against torch, and weights of another network refused."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from edge_runtime.embedder import OnnxEmbedder
from pcr_assets.learning import served
from pcr_assets.learning.backbones import WeightsError, build
from pcr_assets.learning.spec import ModelSpec


@pytest.fixture
def job(tmp_path):
    torch.manual_seed(0)
    spec = ModelSpec("mobilenetv3_small_050", weights="none", embedding_dim=8, input_size=(32, 48))
    save_file(build(spec).state_dict(), tmp_path / "weights.safetensors")
    (tmp_path / "model.json").write_text(json.dumps(spec.as_json()))
    return {
        "weights": str(tmp_path / "weights.safetensors"),
        "model": str(tmp_path / "model.json"),
        "out": str(tmp_path),
        "threads": 1,
    }


def test_a_backbone_that_hailo_would_refuse_is_served_all_the_same(job, tmp_path):
    assert served.run(job)["parity"]["minimum"] > 0.9999
    embedder = OnnxEmbedder(tmp_path / "served.onnx", 1)
    assert (embedder.input_size, embedder.dim) == ((32, 48), 8)
    vectors = embedder.embed(np.zeros((2, 48, 32, 3), np.uint8))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_weights_of_another_network_are_named(job, tmp_path):
    save_file({"head": torch.ones(1)}, tmp_path / "weights.safetensors")
    with pytest.raises(WeightsError, match=r"weights\.safetensors are weights of another network"):
        served.run(job)
