"""Compiling through the worker: against the strict double, so the calls are right; its HEF is marked, so none is faked."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pcr_assets.hailo.hef import MAGIC, SIMULATED_MAGIC, NotCompiled, is_simulated, require_compiled
from pcr_assets.hailo.model_script import HailoSettings
from pcr_assets.hailo.request import HailoError
from pcr_assets.learning import onnx_graph
from pcr_assets.resources.hailo import HailoCompiler

LOWERED = (
    "[warning] Reducing optimization level to 0 (the accuracy won't be optimized and compression won't be used) because "
    "there's less data than the recommended amount (1024), and there's no available GPU\n[info] Using Single-context flow\n"
)
PARTED = "[warning] Single context flow failed\n[info] Using Multi-context flow\n[info] Found valid partition to 3 contexts\n"


def test_a_student_is_compiled_and_its_emulation_on_raw_pixels_agrees_with_onnx(compiler, request_, student, tmp_path):
    """The emulator gets raw pixels, and the script normalises them: the real export, and not the small graph."""
    request = replace(request_, onnx=student.for_hailo)
    result = compiler.compile(request, tmp_path / "work")
    agreements = compiler.emulation(result, request)
    assert agreements["fp_optimized"].minimum > 0.9999
    assert agreements["quantized"].mean > 0.98
    np.testing.assert_allclose(
        result.fp_optimized, onnx_graph.embed(student.for_hailo, np.load(request.samples)), atol=1e-4
    )
    assert result.log.optimization_level == 2
    assert result.log.contexts == 1
    assert result.versions["hailo-dataflow-compiler"] == "3.33.0+double"
    assert result.har.is_file()


def test_a_script_with_another_normalisation_is_noticed(compiler, request_, tmp_path):
    wrong = replace(request_, mean=(0.0,) * 3, std=(1.0,) * 3)
    result = compiler.compile(wrong, tmp_path / "work")
    with pytest.raises(HailoError, match="compare the model script's normalization"):
        compiler.emulation(result, wrong)


def test_what_the_double_makes_is_never_released(compiler, request_, tmp_path):
    hef = compiler.compile(request_, tmp_path / "work").hef
    assert is_simulated(hef)
    header = hef.read_bytes().removeprefix(SIMULATED_MAGIC).splitlines()[0]
    assert json.loads(header)["arch"] == "hailo8l"
    with pytest.raises(NotCompiled, match="test double"):
        require_compiled(hef)


def test_a_file_that_is_no_hef_is_refused_and_a_real_header_passes(tmp_path):
    hef = tmp_path / "student.hef"
    hef.write_bytes(b"<html>not found</html>")
    with pytest.raises(NotCompiled, match="no HEF file"):
        require_compiled(hef)
    hef.write_bytes(MAGIC + bytes(100))
    assert not is_simulated(hef)
    require_compiled(hef)


def test_a_silently_lowered_optimization_level_is_an_error_unless_allowed(compiler, says, request_, tmp_path):
    says(LOWERED)
    with pytest.raises(HailoError, match="from 2 to 0: give it a GPU"):
        compiler.compile(request_, tmp_path / "refused")
    allowed = replace(request_, settings=HailoSettings(allow_lower_level=True))
    result = compiler.compile(allowed, tmp_path / "allowed")
    assert result.log.optimization_level == 0
    assert len(result.log.warnings) == 1


def test_several_contexts_are_an_error_unless_allowed(compiler, says, request_, tmp_path):
    says(PARTED)
    with pytest.raises(HailoError, match="into 3 contexts"):
        compiler.compile(request_, tmp_path / "refused")
    allowed = replace(request_, settings=HailoSettings(allow_several_contexts=True))
    assert compiler.compile(allowed, tmp_path / "allowed").log.contexts == 3


def test_a_log_that_does_not_tell_the_contexts_is_an_error(compiler, says, request_, tmp_path):
    says("[info] Compilation finished\n")
    with pytest.raises(HailoError, match="an unknown number of contexts"):
        compiler.compile(request_, tmp_path / "work")


def test_a_failed_step_comes_back_as_one_sentence_that_names_it(compiler, request_, tmp_path):
    square = replace(request_, input_size=(224, 224))
    with pytest.raises(HailoError, match="failed to parse the graph: ValueError: net_input_shapes"):
        compiler.compile(square, tmp_path / "work")


def test_a_compiler_that_dies_is_not_answered_for_by_an_earlier_run(compiler, request_, monkeypatch, tmp_path):
    compiler.compile(request_, tmp_path / "work")
    monkeypatch.setenv("PCR_FAKE_HAILO_DIES", "1")
    with pytest.raises(HailoError, match="left no answer"):
        compiler.compile(request_, tmp_path / "work")


def test_a_compiler_ends_with_a_refresh_that_was_killed(compiler, request_, monkeypatch, tmp_path):
    """Else it works on for hours, and writes into the folder in which the next refresh compiles."""
    noted, asked = tmp_path / "process", tmp_path / "asked"
    asked.write_bytes(pickle.dumps((compiler.python, request_, tmp_path / "work")))
    run = "import pathlib, pickle, sys; from pcr_assets.resources.hailo import HailoCompiler as Compiler; "
    run += (
        "python, *given = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes()); Compiler(python=python).compile(*given)"
    )
    monkeypatch.setenv("PCR_FAKE_HAILO_TAKES_LONG", str(noted))
    refresh = subprocess.Popen([sys.executable, "-c", run, str(asked)])
    _wait_until(lambda: noted.exists() and noted.read_text())
    refresh.kill()
    refresh.wait()
    try:
        _wait_until(lambda: _is_over(int(noted.read_text())))
    finally:
        with suppress(ProcessLookupError):
            os.kill(int(noted.read_text()), signal.SIGTERM)


def _wait_until(happened):
    for _ in range(600):
        if happened():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def _is_over(process: int) -> bool:
    """Whether a process has ended; one that nobody has asked after yet is over all the same."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_without_a_compiler_the_reason_says_what_to_install_and_where_it_comes_from(monkeypatch, request_, tmp_path):
    monkeypatch.delenv("PCR_HAILO_PYTHON", raising=False)
    absent = HailoCompiler()
    reason = str(absent.available())
    for fact in ("PCR_HAILO_PYTHON", "Developer Zone", "no package index", "3.33", "x86_64 Ubuntu 22.04", "3.10"):
        assert fact in reason
    with pytest.raises(HailoError, match="is not installed"):
        absent.compile(request_, tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_an_interpreter_without_the_compiler_or_without_python_is_told_apart(monkeypatch, tmp_path):
    import sys

    monkeypatch.setenv("PCR_HAILO_PYTHON", sys.executable)
    assert "has no Hailo Dataflow Compiler" in str(HailoCompiler().available())
    monkeypatch.setenv("PCR_HAILO_PYTHON", str(tmp_path / "nowhere"))
    assert "does not run" in str(HailoCompiler().available())


def test_the_double_counts_as_available(compiler):
    assert compiler.available() is None
