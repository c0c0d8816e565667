"""Programs run for an asset."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pcr_assets.compute.launcher import JobFailed
from pcr_assets.compute.local import LocalCompute
from pcr_assets.compute.said import sentence


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Write a module that programs can be run from; returns its name."""

    def write(source):
        (tmp_path / "some_program.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return "some_program"

    return write


def test_a_program_gets_its_job_and_its_threads(program, tmp_path):
    module = program("import sys, shutil; shutil.copy(sys.argv[1], sys.argv[1] + '.seen')")
    LocalCompute(threads=1).run(module, {"steps": 3}, tmp_path)
    assert json.loads((tmp_path / "job.json.seen").read_text()) == {"steps": 3, "threads": 1}


def test_its_lines_appear_while_it_runs(program, tmp_path, capfd):
    LocalCompute().run(program("print('step 1 of 2')"), {}, tmp_path)
    assert "step 1 of 2" in capfd.readouterr().out


@pytest.mark.faults
@pytest.mark.skipif(sys.platform != "linux", reason="it is Linux that tells a process of its parent's death")
def test_a_line_that_is_no_text_is_spelled_out_and_stops_nothing(program, tmp_path, capfd):
    module = program("import os; os.write(1, b'caf\\xe9.png\\n'); print('trained')")
    LocalCompute().run(module, {}, tmp_path)
    assert capfd.readouterr().out == "caf\\xe9.png\ntrained\n"


@pytest.mark.faults
def test_a_program_ends_with_a_refresh_that_was_killed_though_it_says_nothing(program, tmp_path):
    module = program(
        "import os, pathlib, sys, time; pathlib.Path(sys.argv[1] + '.pid').write_text(str(os.getpid())); time.sleep(600)"
    )
    run = "import sys, pathlib; from pcr_assets.compute.local import LocalCompute as C; "
    run += "C().run(sys.argv[1], {}, pathlib.Path(sys.argv[2]))"
    refresh = subprocess.Popen([sys.executable, "-c", run, module, str(tmp_path)])
    noted = tmp_path / "job.json.pid"
    _wait_until(lambda: noted.exists() and noted.read_text())
    os.kill(refresh.pid, signal.SIGKILL)
    refresh.wait()
    _wait_until(lambda: not _runs(int(noted.read_text())))


def _wait_until(happened):
    for _ in range(1200):
        if happened():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def _runs(process: int) -> bool:
    """Whether a process lives; one that nobody has asked after yet is dead all the same."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def failure_of(source, program, tmp_path):
    with pytest.raises(JobFailed) as failed:
        LocalCompute().run(program(source), {}, tmp_path)
    return str(failed.value).removeprefix("some_program failed (exit 1): ")


def test_a_failure_carries_the_programs_last_line(program, tmp_path):
    with pytest.raises(JobFailed, match=r"exit 1\): WeightsError: no weights"):
        LocalCompute().run(program("import sys; sys.exit('WeightsError: no weights')"), {}, tmp_path)


def test_a_killed_program_is_told_from_one_that_failed(program, tmp_path):
    with pytest.raises(JobFailed, match="killed by signal 9"):
        LocalCompute().run(program("import os; os.kill(os.getpid(), 9)"), {}, tmp_path)


def test_the_sentence_is_told_from_a_warning_that_comes_after_it(program, tmp_path):
    source = """
import sys, warnings
print("no weights file /x: put it there", flush=True)
warnings.warn("there appear to be 1 leaked semaphore objects")
sys.exit(1)
"""
    assert failure_of(source, program, tmp_path) == "no weights file /x: put it there"


def test_of_a_traceback_the_line_with_the_error_counts(program, tmp_path):
    source = """
import pydantic
class Job(pydantic.BaseModel):
    stage: str
Job()
"""
    assert failure_of(source, program, tmp_path) == "ValidationError: 1 validation error for Job"


def test_an_error_of_ours_is_its_sentence_without_the_name_of_its_class(program, tmp_path):
    source = "from pcr_assets.settings import SettingsError\nraise SettingsError('own.yaml: stage3: no such section')"
    assert failure_of(source, program, tmp_path) == "own.yaml: stage3: no such section"


def test_a_program_that_ends_in_silence_is_said_to():
    assert sentence([]) == "it said nothing"


def test_a_training_refuses_mistaken_settings_in_one_sentence(tmp_path):
    job = {"stage": "teacher", "settings": {"phazes": 3}, "spec": {"bakbone": "x"}}
    files = {"snapshot": str(tmp_path), "shards": [], "out": str(tmp_path)}
    with pytest.raises(JobFailed) as failed:
        LocalCompute().run("pcr_assets.learning.train", {**job, **files}, tmp_path)
    assert str(failed.value) == (
        "pcr_assets.learning.train failed (exit 1): teacher: settings.phazes: no such setting (did you mean phases?); "
        "spec.bakbone: no such setting (did you mean backbone?)"
    )
