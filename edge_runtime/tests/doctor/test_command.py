"""What the doctor says of a whole device, and how."""

import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from device_of_files import SENSOR, by_check, is_cured_by

from edge_runtime.cli import main
from edge_runtime.doctor.command import examine, run
from edge_runtime.doctor.finding import State
from edge_runtime.doctor.software import PACKAGES, packages, processor


def test_a_device_that_is_well_has_nothing_to_cure(pi, home, board):
    pi.fit_chip()
    pi.write(SENSOR, "imx708_wide 10-001a")
    findings = examine(replace(pi.machine, root=pi.root, may_use=lambda path: True), home)
    assert [finding for finding in findings if finding.state.is_bad] == []
    assert by_check(findings)["hailo versions"].said == "driver 4.23.0, library 4.23.0, package 4.23.0, firmware 4.23.0"


def test_a_missing_package_is_named(pi):
    del pi.versions["usearch"]
    assert is_cured_by(packages(pi.machine), State.FAILED, "usearch", "install")


def test_a_package_that_is_there_and_cannot_be_loaded_is_named(pi, home):
    pi.broken["cv2"] = "libGL.so.1: cannot open shared object file"
    findings = by_check(examine(replace(pi.machine, may_use=lambda path: True), home))
    assert is_cured_by(findings["packages"], State.FAILED, "opencv-python-headless (libGL.so.1", "install")
    assert findings["release"].state is State.NOTE
    assert findings["memory"].state is State.FINE


@pytest.mark.parametrize("module", ["numpy", "onnxruntime", "usearch"])
def test_whatever_is_broken_the_doctor_speaks(tmp_path, module):
    """What it stood on itself ended it with a traceback, and other commands too; OpenCV it did not look at."""
    (tmp_path / f"{module}.py").write_text("raise ImportError('made for another Python')")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    asked = {"doctor": [], "recognize": ["--releases", str(tmp_path), "photo.jpg"]}
    doctor, recognize = (
        subprocess.run(
            [sys.executable, "-m", "edge_runtime.cli", command, *options],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        for command, options in asked.items()
    )
    assert (doctor.returncode, recognize.returncode) == (1, 2)
    assert f"{module} (" in doctor.stdout
    assert recognize.stderr.splitlines()[-1].endswith("`edge-runtime doctor` says which, and what to do")


def test_all_that_this_program_stands_on_is_looked_for():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert list(PACKAGES) == [re.match(r"[\w-]+", needed)[0] for needed in project["dependencies"]]


def test_opencv_under_another_name_will_do(pi):
    assert "4.11.0" in packages(pi.machine).said


def test_an_onnx_runtime_that_is_not_there_is_told(pi):
    del pi.versions["onnxruntime"]
    assert is_cured_by(processor(pi.machine), State.FAILED, "not installed", "install")
    pi.versions["onnxruntime"] = "9.9"
    assert "CPUExecutionProvider" in processor(pi.machine).said


def test_the_exit_code_says_whether_somebody_should_act(pi, home, capsys):
    options = SimpleNamespace(releases=home, source=None, json=False)
    well = replace(pi.machine, may_use=lambda path: True)
    assert run(options, well) == 0
    assert capsys.readouterr().out.endswith("all is well\n")
    pi.commands["vcgencmd"] = "throttled=0x1"
    assert run(options, well) == 1
    out = capsys.readouterr().out
    assert "→ use the power supply of this Pi" in out
    assert out.endswith("need somebody\n")


def test_json_has_every_finding_with_its_facts(home, capsys):
    main(["doctor", "--json", "--releases", str(home)])
    said = json.loads(capsys.readouterr().out)
    found = {finding["check"]: finding for finding in said["findings"]}
    assert said["fine"] is not any(each["state"] in ("warning", "failed") for each in said["findings"])
    assert found["release"]["facts"]["size"] > 0
