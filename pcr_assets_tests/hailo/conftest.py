"""Fixtures of this room: a compiler whose SDK is the strict double, and what it says while it works."""

import sys
from pathlib import Path

import numpy as np
import pytest

from pcr_assets.hailo.request import CompileRequest
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


@pytest.fixture
def request_(student, tmp_path) -> CompileRequest:
    """A request to compile the small student."""
    np.save(tmp_path / "calibration.npy", painted_cards(12, seed=1))
    np.save(tmp_path / "samples.npy", painted_cards(6, seed=2))
    return CompileRequest(
        onnx=student.for_hailo,
        calibration=tmp_path / "calibration.npy",
        samples=tmp_path / "samples.npy",
        input_size=SIZE,
        mean=(127.0,) * 3,
        std=(128.0,) * 3,
    )
