import os
import shutil
import weakref

import numpy as np
import onnx
import pytest
from drawn import block_average_model
from onnx import TensorProto, helper, numpy_helper

from edge_runtime.embedder import AT_ONCE, EmbedderError, OnnxEmbedder, embedded, processor_session


@pytest.fixture
def model(publisher):
    return publisher.folder / "fp32.onnx"


def write_model(path, element, shape, axes=(0,)):
    """A model that makes one vector of whatever it is given, of the lengths of its input's sides. ``axes``: of length 1."""
    nodes = [
        helper.make_node("Shape", ["cards"], ["sides"]),
        helper.make_node("Cast", ["sides"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["numbers", "axes"], ["vectors"]),
    ]
    given = helper.make_tensor_value_info("cards", element, shape)
    made = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [*[1] * len(axes), len(shape)])
    constants = [numpy_helper.from_array(np.array(axes, np.int64), "axes")]
    graph = helper.make_graph(nodes, "sides", [given], [made], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def test_cards_become_unit_vectors(model, scans):
    embedder = OnnxEmbedder(model, threads=1)
    cards = np.random.default_rng(0).integers(0, 256, (3, 112, 80, 3), np.uint8)
    vectors = embedder.embed(cards)
    assert embedder.input_size == (80, 112)
    assert vectors.shape == (3, embedder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_card_has_the_same_vector_alone_and_among_others(model):
    embedder = OnnxEmbedder(model, threads=1)
    cards = np.random.default_rng(0).integers(0, 256, (5, 112, 80, 3), np.uint8)
    np.testing.assert_allclose(embedder.embed(cards)[3], embedder.embed(cards[3:4])[0], atol=1e-6)


def test_of_many_cards_a_few_are_embedded_at_once(model, monkeypatch):
    embedder, batches = OnnxEmbedder(model, threads=1), []
    cards = np.random.default_rng(0).integers(0, 256, (AT_ONCE + 1, 112, 80, 3), np.uint8)
    together = embedder.embed(cards)
    embed = embedder.embed
    monkeypatch.setattr(embedder, "embed", lambda some: batches.append(len(some)) or embed(some))
    np.testing.assert_allclose(embedded(embedder, cards), together, atol=1e-6)
    assert batches == [AT_ONCE, 1]
    assert embedded(embedder, cards[:0]).shape == (0, embedder.dim)


def test_no_cards_make_no_vectors(model):
    assert OnnxEmbedder(model).embed(np.empty((0, 112, 80, 3), np.uint8)).shape == (0, 192)


@pytest.mark.parametrize("cards", [np.zeros((1, 80, 112, 3), np.uint8), np.zeros((1, 112, 80, 3), np.float32)])
def test_cards_of_another_size_or_type_are_refused(model, cards):
    with pytest.raises(EmbedderError, match="takes uint8 N×112×80×3"):
        OnnxEmbedder(model).embed(cards)


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(EmbedderError, match=r"model\.onnx is no model"):
        OnnxEmbedder(path)


def test_a_model_is_taken_for_what_it_takes_and_makes(tmp_path):
    embedder = OnnxEmbedder(write_model(tmp_path / "other.onnx", TensorProto.UINT8, ["n", 112, 80, 3]))
    assert (embedder.input_size, embedder.dim) == ((80, 112), 4)


@pytest.mark.parametrize(
    ("element", "shape"),
    [
        (TensorProto.FLOAT, ["n", 112, 80, 3]),
        (TensorProto.UINT8, ["n", 3, 112, 80]),
        (TensorProto.UINT8, ["n", "height", "width", 3]),
        (TensorProto.UINT8, [112, 80]),
    ],
)
def test_a_model_that_takes_anything_but_uint8_cards_is_refused(tmp_path, element, shape):
    with pytest.raises(EmbedderError, match="makes N×D of uint8 N×H×W×3"):
        OnnxEmbedder(write_model(tmp_path / "other.onnx", element, shape))


def test_a_model_that_makes_more_than_a_vector_of_each_card_is_refused(tmp_path):
    with pytest.raises(EmbedderError, match=r"makes \[1, 1, 4\] of tensor\(uint8\)"):
        OnnxEmbedder(write_model(tmp_path / "other.onnx", TensorProto.UINT8, ["n", 112, 80, 3], axes=(0, 1)))


def test_a_model_with_two_inputs_is_refused(tmp_path):
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["c"])],
        "sum",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "ab"],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, [1])],
    )
    path = tmp_path / "two.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    with pytest.raises(EmbedderError, match="one input and one output"):
        OnnxEmbedder(path)


@pytest.mark.parametrize("scale", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(tmp_path, scale):
    embedder = OnnxEmbedder(block_average_model(tmp_path / "broken.onnx", output_scale=scale))
    with pytest.raises(EmbedderError, match="not finite"):
        embedder.embed(np.full((1, 112, 80, 3), 7, np.uint8))


def test_a_model_that_the_next_release_shares_is_opened_once(model, tmp_path):
    linked, copied = tmp_path / "linked.onnx", tmp_path / "copied.onnx"
    os.link(model, linked)
    shutil.copy(model, copied)
    first = processor_session(model, 1)
    assert processor_session(linked, 1) is first
    assert processor_session(linked, 2) is not first
    assert processor_session(copied, 1) is not first


def test_a_model_that_nobody_uses_any_more_is_let_go(model):
    held = weakref.ref(processor_session(model, 1))
    assert held() is None


def test_a_file_that_was_written_anew_is_opened_anew(tmp_path):
    path = write_model(tmp_path / "model.onnx", TensorProto.UINT8, ["n", 8, 6, 3])
    before = OnnxEmbedder(path, 1)
    write_model(path, TensorProto.UINT8, ["n", 16, 6, 3])
    assert OnnxEmbedder(path, 1).input_size == (6, 16)
    assert before.input_size == (6, 8)
