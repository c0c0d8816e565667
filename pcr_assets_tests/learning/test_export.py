"""The exported student computes what torch computes, in the form that ONNX Runtime and the Hailo compiler want."""

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest

from pcr_assets.learning import onnx_graph
from pcr_assets.learning.backbones import build, read_tensors, see_blocks
from pcr_assets.learning.export import HAILO_OPERATORS, ExportError, export_onnx, parity, run
from pcr_assets.learning.onnx_graph import graph_digest
from pcr_assets.learning.spec import ModelSpec
from pcr_assets_tests.small_student import SIZE, painted_cards


def trained(student):
    spec = ModelSpec(embedding_dim=32, input_size=SIZE)
    model = build(spec)
    model.load_state_dict(read_tensors(student.folder / "weights.safetensors"))
    return spec, model.eval()


def shape(value):
    return [side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim]


def test_the_served_graph_takes_raw_pixels_of_any_number_of_cards(student):
    graph = onnx.load(student.served).graph
    assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert shape(graph.input[0]) == ["batch", 96, 64, 3]
    assert shape(graph.output[0]) == ["batch", 32]
    for count in (1, 5):
        vectors = onnx_graph.embed(student.served, painted_cards(count))
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), np.ones(count), rtol=1e-5)


def test_both_graphs_agree_with_torch_from_the_same_raw_pixels(student):
    _, model = trained(student)
    for path in (student.served, student.for_hailo):
        assert parity(path, model, painted_cards(6, seed=3)).minimum > 0.99999


def test_parity_notices_a_graph_that_normalises_otherwise(student):
    """The predecessor's fault: the same weights behind pixels scaled another way."""
    spec = ModelSpec(embedding_dim=32, input_size=SIZE, mean=(0.0,) * 3, std=(255.0,) * 3)
    other = build(spec)
    other.load_state_dict(read_tensors(student.folder / "weights.safetensors"))
    assert parity(student.served, other, painted_cards(4)).minimum < 0.99


def test_the_graph_for_the_compiler_is_static_plain_and_stops_before_the_unit_length(student):
    model = onnx.load(student.for_hailo)
    assert model.ir_version <= 8
    assert [entry.version for entry in model.opset_import] == [17]
    assert shape(model.graph.input[0]) == [1, 3, 96, 64]
    assert {node.op_type for node in model.graph.node} <= HAILO_OPERATORS
    assert model.graph.node[-1].op_type == "Gemm"


def test_a_head_that_sees_several_blocks_is_exported_in_the_compilers_operators(student, tmp_path):
    _, model = trained(student)
    see_blocks(model, 2)
    files = export_onnx(model, model.spec, tmp_path)
    for path in files.values():
        assert parity(path, model, painted_cards(4)).minimum > 0.99999
    operators = [node.op_type for node in onnx.load(files["student_hailo.onnx"]).graph.node]
    assert "Concat" in operators
    assert set(operators) <= HAILO_OPERATORS


def test_dynamic_padding_is_refused_with_a_backbone_that_would_do(tmp_path):
    spec = ModelSpec(backbone="tf_efficientnet_lite0", weights="none", embedding_dim=32, input_size=SIZE)
    with pytest.raises(ExportError, match=r"Pad.*such as efficientnet_lite0"):
        export_onnx(build(spec), spec, tmp_path)


def test_the_metadata_says_how_to_feed_the_graph(student):
    described = onnx_graph.metadata(onnx.load(student.served))
    assert described["input_size"] == "64,96"
    assert described["embedding_dim"] == "32"
    assert described["mean"] == "127,127,127"
    assert described["licence"] == "Apache-2.0"


def test_exporting_again_gives_the_same_digest(student, tmp_path):
    again = run({**student.job, "out": str(tmp_path)})
    assert again["digest"] == json.loads((student.folder / "exported/export.json").read_text())["digest"]


def test_the_digest_ignores_the_producer_and_the_names_inside(student, tmp_path):
    model = onnx.load(student.for_hailo)
    model.producer_version = "of another day"
    model.doc_string = "a remark"
    first = model.graph.node[0]
    for node in model.graph.node:
        node.input[:] = ["renamed" if name == first.output[0] else name for name in node.input]
    first.output[0] = "renamed"
    first.name = "renamed too"
    onnx.save(model, tmp_path / "renamed.onnx")
    assert graph_digest(tmp_path / "renamed.onnx") == graph_digest(student.for_hailo)


@pytest.mark.parametrize("change", ["weight", "attribute", "metadata", "wiring"])
def test_the_digest_sees_what_the_graph_computes(student, tmp_path, change):
    model = onnx.load(student.for_hailo)
    conv = next(node for node in model.graph.node if node.op_type == "Conv")
    if change == "weight":
        weight = next(tensor for tensor in model.graph.initializer if tensor.name == conv.input[1])
        weight.raw_data = bytes(4) + weight.raw_data[4:]
    elif change == "attribute":
        next(a for a in conv.attribute if a.name == "pads").ints[0] += 1
    elif change == "metadata":
        onnx_graph.set_metadata(model, {"mean": "0,0,0"})
    else:
        add = next(node for node in model.graph.node if node.op_type == "Add")
        add.input[1] = add.input[0]
    onnx.save(model, tmp_path / "changed.onnx")
    assert graph_digest(tmp_path / "changed.onnx") != graph_digest(student.for_hailo)


@pytest.mark.parametrize(
    ("weights", "said"),
    [({}, "are weights of another network"), ({"weights": "/none.pth"}, "there is no weights file")],
)
def test_weights_of_another_model_or_none_end_the_program_with_one_sentence(student, tmp_path, weights, said):
    spec = ModelSpec(embedding_dim=16, input_size=SIZE)
    (tmp_path / "model.json").write_text(json.dumps(spec.as_json()))
    job = {**student.job, "model": str(tmp_path / "model.json"), "out": str(tmp_path), **weights}
    (tmp_path / "job.json").write_text(json.dumps(job))
    command = [sys.executable, "-m", "pcr_assets.learning.export", str(tmp_path / "job.json")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert said in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
