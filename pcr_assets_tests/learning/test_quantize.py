"""The INT8 student follows the FP32 one, is smaller, and is the same file each time."""

import json

import numpy as np
import onnx
import pytest

from pcr_assets.learning import onnx_graph
from pcr_assets.learning.quantize import fidelity, milliseconds, quantize, run
from pcr_assets.learning.quantize_settings import QuantizeError, QuantizeSettings
from pcr_assets_tests.small_student import painted_cards


@pytest.fixture(scope="module")
def int8(student, tmp_path_factory):
    out = tmp_path_factory.mktemp("int8") / "student_int8.onnx"
    return quantize(student.served, painted_cards(24, seed=1), out, QuantizeSettings())


@pytest.fixture(scope="module")
def of_eight(student, tmp_path_factory):
    """The same, of eight cards of the twenty-four."""
    out = tmp_path_factory.mktemp("eight") / "student_int8.onnx"
    return quantize(student.served, painted_cards(24, seed=1), out, QuantizeSettings(calibration_count=8))


@pytest.fixture
def job(student, tmp_path):
    np.save(tmp_path / "cards.npy", painted_cards(8, seed=1))
    return {"onnx": str(student.served), "calibration": str(tmp_path / "cards.npy"), "out": str(tmp_path)}


def test_it_stays_close_to_fp32_on_cards_it_was_not_calibrated_with(student, int8):
    found = fidelity(student.served, int8, painted_cards(16, seed=2))
    assert found.mean > 0.98
    assert found.minimum <= found.p5 <= found.mean


def test_calibrating_with_pixels_scaled_otherwise_is_noticed(student, tmp_path):
    """The predecessor calibrated with pixels in 0..1: every range comes out wrong."""
    dark = painted_cards(24, seed=1) // 255
    wrong = quantize(student.served, dark, tmp_path / "wrong.onnx", QuantizeSettings())
    assert fidelity(student.served, wrong, painted_cards(16, seed=2)).mean < QuantizeSettings().minimum_cosine


def test_it_is_less_than_a_third_of_the_size_and_takes_any_number_of_cards(student, int8):
    assert 3 * int8.stat().st_size < student.served.stat().st_size
    assert onnx_graph.embed(int8, painted_cards(5)).shape == (5, 32)
    assert milliseconds(int8, painted_cards(2)) > 0


def test_normalisation_and_unit_length_stay_in_float(int8):
    graph = onnx.load(int8).graph
    made_by = {output: node.op_type for node in graph.node for output in node.output}
    for node in graph.node:
        if node.op_type in ("Sub", "ReduceL2"):
            assert made_by.get(node.input[0]) != "QuantizeLinear"
    assert graph.node[-1].op_type == "Div"
    np.testing.assert_allclose(np.linalg.norm(onnx_graph.embed(int8, painted_cards(3)), axis=1), np.ones(3), rtol=1e-5)


def test_no_node_and_no_constant_is_left_over(int8):
    graph = onnx.load(int8).graph
    used = {value.name for value in graph.output} | {name for node in graph.node for name in node.input}
    made = [output for node in graph.node for output in node.output] + [tensor.name for tensor in graph.initializer]
    assert set(made) <= used


def test_quantizing_again_gives_the_same_bytes(student, int8, tmp_path):
    again = quantize(student.served, painted_cards(24, seed=1), tmp_path / "again.onnx", QuantizeSettings())
    assert again.read_bytes() == int8.read_bytes()


def test_of_more_cards_than_asked_for_it_takes_some_of_all_sets_and_not_the_first(student, of_eight, tmp_path):
    """They lie in the order of their sets: the first quarter of thirteen games was one game."""
    some = painted_cards(24, seed=1)[[0, 3, 6, 9, 13, 16, 19, 23]]
    wanted = quantize(student.served, some, tmp_path / "wanted.onnx", QuantizeSettings())
    assert of_eight.read_bytes() == wanted.read_bytes()


def test_other_cards_or_settings_give_another_digest(int8, of_eight):
    assert onnx_graph.graph_digest(of_eight) != onnx_graph.graph_digest(int8)


def test_the_head_stays_in_float_when_asked_for_or_when_the_cosine_is_low(job, tmp_path):
    unreachable = {"float_head_below": 1.1, "minimum_cosine": 0.5}
    assert run({**job, "settings": unreachable})["settings"]["head_in_float"] is True
    graph = onnx.load(tmp_path / "student_int8.onnx").graph
    made_by = {output: node.op_type for node in graph.node for output in node.output}
    head = next(node for node in graph.node if node.op_type == "Gemm")
    assert made_by.get(head.input[1]) != "DequantizeLinear"


def test_a_model_too_far_from_fp32_is_an_error(job, tmp_path):
    with pytest.raises(QuantizeError, match="calibrate with more cards"):
        run({**job, "settings": {"head_in_float": True, "minimum_cosine": 1.1}})
    assert not (tmp_path / "quantize.json").exists()


def test_a_node_that_is_to_stay_in_float_and_is_none_of_the_graph_is_named(job, tmp_path):
    """It was passed over in silence, and the node that was meant became 8-bit."""
    with pytest.raises(
        QuantizeError, match=r"student\.onnx has no node /head/Gem: name in nodes_to_exclude"
    ) as refused:
        run({**job, "settings": {"nodes_to_exclude": ["/head/Gem"]}})
    own = str(refused.value).rpartition("such as ")[2]
    result = run({**job, "settings": {"nodes_to_exclude": [own], "minimum_cosine": 0.5}})
    assert result["settings"]["nodes_to_exclude"] == (own,)


def test_the_report_holds_no_clock_time(job, tmp_path):
    first = run({**job, "settings": {"minimum_cosine": 0.5}})
    assert json.loads((tmp_path / "quantize.json").read_text()) == json.loads(json.dumps(first))
    assert set(first) == {"digest", "fidelity", "settings", "bytes", "calibration_used"}
    assert first["calibration_used"] == 8


@pytest.mark.parametrize(
    "cards", [painted_cards(2, size=(96, 96)), painted_cards(2).astype(np.float32), painted_cards(0)]
)
def test_calibration_cards_of_another_form_are_refused(student, tmp_path, cards):
    with pytest.raises(QuantizeError, match="uint8 N×96×64×3"):
        quantize(student.served, cards, tmp_path / "out.onnx", QuantizeSettings())


def test_an_unknown_setting_is_refused():
    with pytest.raises(QuantizeError, match="calibration_cuont"):
        QuantizeSettings.from_json({"calibration_cuont": 3})
