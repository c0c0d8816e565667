"""Programs run for an asset."""

import json

import pytest

from pcr_assets.resources.compute import JobFailed, LocalCompute


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


def test_a_failure_carries_the_programs_last_line(program, tmp_path):
    with pytest.raises(JobFailed, match=r"exit 1\): WeightsError: no weights"):
        LocalCompute().run(program("import sys; sys.exit('WeightsError: no weights')"), {}, tmp_path)


def test_a_killed_program_is_told_from_one_that_failed(program, tmp_path):
    with pytest.raises(JobFailed, match="killed by signal 9"):
        LocalCompute().run(program("import os; os.kill(os.getpid(), 9)"), {}, tmp_path)
