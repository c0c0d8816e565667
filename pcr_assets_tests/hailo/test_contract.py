"""The double refuses what the real compiler refuses, and the real one, where it is installed, is held against the contract."""

import importlib.util
import inspect
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from pcr_assets_tests.small_student import painted_cards

HERE = Path(__file__).parent
CONTRACT = json.loads((HERE / "hailo_contract.json").read_text())
REAL = importlib.util.find_spec("hailo_sdk_client") is not None


@pytest.fixture
def sdk(monkeypatch):
    monkeypatch.syspath_prepend(HERE / "fake_sdk")
    for name in [name for name in sys.modules if name.startswith("hailo_sdk_client")]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module("hailo_sdk_client")


@pytest.fixture
def parsed(sdk, small_graph):
    runner = sdk.ClientRunner(hw_arch="hailo8l")
    runner.translate_onnx_model(str(small_graph), "student", net_input_shapes={"image": [1, 3, 96, 64]})
    return runner


def test_the_double_knows_the_contexts_of_the_contract(sdk):
    assert [context.name for context in sdk.InferenceContext] == CONTRACT["contexts"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda runner: runner.translate_onnx_model("m.onnx", model_name="student"),
        lambda runner: runner.optimize(painted_cards(2), optimization_level=2),
        lambda runner: runner.optimize(),
        lambda runner: runner.compile("student.hef"),
    ],
)
def test_arguments_seen_in_the_wild_that_do_not_exist_are_refused(parsed, wrong):
    with pytest.raises(TypeError):
        wrong(parsed)


def test_steps_out_of_order_are_refused(sdk, parsed):
    with pytest.raises(RuntimeError, match="compile needs the state quantized_model, not hailo_model"):
        parsed.compile()
    with pytest.raises(RuntimeError, match="optimize needs the state"):
        sdk.ClientRunner(hw_arch="hailo8l").optimize(painted_cards(2))


def test_calibration_is_keyed_by_the_compilers_layer_not_by_the_onnx_input(parsed):
    with pytest.raises(Exception, match="student/input_layer1"):
        parsed.optimize({"image": painted_cards(2)})


def test_calibration_in_onnx_layout_is_refused(parsed):
    with pytest.raises(Exception, match="N×96×64×3"):
        parsed.optimize(painted_cards(2).transpose(0, 3, 1, 2).astype(np.float32))


def test_the_worker_imports_nothing_but_the_standard_library_numpy_and_the_compiler():
    import ast

    source = (HERE.parents[1] / "pcr_assets/hailo/worker.py").read_text()
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {getattr(node, "module", None) or alias.name for node in imports for alias in node.names}
    roots = {name.split(".")[0] for name in names}
    assert roots - set(sys.stdlib_module_names) == {"numpy", "hailo_sdk_client"}


def test_the_worker_calls_nothing_that_the_contract_lacks():
    import ast

    source = (HERE.parents[1] / "pcr_assets/hailo/worker.py").read_text()
    called = {
        node.func.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "runner"
    }
    assert called <= set(CONTRACT["methods"])


@pytest.mark.skipif(not REAL, reason="the Hailo Dataflow Compiler is not installed in this interpreter")
@pytest.mark.parametrize("method", sorted(CONTRACT["methods"]))
def test_the_real_compiler_takes_the_contracts_arguments(method):
    from hailo_sdk_client import ClientRunner

    real = inspect.signature(getattr(ClientRunner, method)).parameters
    for name, *default in CONTRACT["methods"][method]["parameters"]:
        assert name in real
        assert bool(default) == (real[name].default is not inspect.Parameter.empty)
