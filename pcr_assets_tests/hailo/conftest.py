"""Fixtures of this room: a compiler whose SDK is the strict double, and what it says while it works."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pcr_assets.hailo.request import CompileRequest
from pcr_assets.learning import onnx_graph
from pcr_assets.resources.hailo import HailoCompiler
from pcr_assets_tests.small_student import SIZE, painted_cards, student

__all__ = ["student"]

FAKE_SDK = Path(__file__).parent / "fake_sdk"
CLEAN_LOG = "[info] Starting Model Optimization\n[info] Using Single-context flow\n[info] Compilation finished\n"


@pytest.fixture
def says(tmp_path, monkeypatch):
    """Sets the text that the double's compiler prints."""

    def say(text: str) -> None:
        (tmp_path / "said.txt").write_text(text)
        monkeypatch.setenv("PCR_FAKE_HAILO_LOG", str(tmp_path / "said.txt"))

    say(CLEAN_LOG)
    return say


@pytest.fixture
def compiler(tmp_path, says) -> HailoCompiler:
    """The resource with an interpreter that sees the double and nothing of this project by path."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{FAKE_SDK}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return HailoCompiler(python=str(python))


@pytest.fixture(scope="session")
def small_graph(tmp_path_factory) -> Path:
    """Two convolutions with a student's entry and metadata: the double takes a tenth of a second for it, two for a student."""
    width, height = SIZE
    random = np.random.default_rng(0)
    weights = {"first": (8, 3, 8, 8), "second": (16, 8, 4, 4)}
    nodes = [
        helper.make_node("Conv", ["image", "first"], ["edges"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Relu", ["edges"], ["bright"]),
        helper.make_node("Conv", ["bright", "second"], ["parts"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Flatten", ["parts"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, height, width])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 16 * (height // 32) * (width // 32)])],
        [numpy_helper.from_array(random.normal(size=s).astype(np.float32), name) for name, s in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx_graph.set_metadata(model, {"mean": "127.0,127.0,127.0", "std": "128.0,128.0,128.0"})
    file = tmp_path_factory.mktemp("small") / "small.onnx"
    onnx.save(model, str(file))
    return file


@pytest.fixture
def request_(small_graph, tmp_path) -> CompileRequest:
    """A request to compile a graph of the student's shape."""
    np.save(tmp_path / "calibration.npy", painted_cards(12, seed=1))
    np.save(tmp_path / "samples.npy", painted_cards(6, seed=2))
    return CompileRequest(
        onnx=small_graph,
        calibration=tmp_path / "calibration.npy",
        samples=tmp_path / "samples.npy",
        input_size=SIZE,
        mean=(127.0,) * 3,
        std=(128.0,) * 3,
    )
