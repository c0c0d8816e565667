"""The resource ``compute``: where a program runs, and that nobody else is at the same work."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from pcr_assets.compute.resource import Compute
from pcr_assets.resources.project import Project

PROGRAM = """
import pathlib, sys, time
mark = pathlib.Path(sys.argv[1]).parent / "at_work"
mark.touch(exist_ok=False)
time.sleep(0.5)
mark.unlink()
"""


@pytest.fixture
def compute(tmp_path, monkeypatch):
    (tmp_path / "some_program.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return Compute(project=Project(store=str(tmp_path / "store"), profile="quick"))


@pytest.mark.faults
def test_two_runs_that_are_asked_for_the_same_work_are_at_it_one_after_the_other(compute, tmp_path, capfd):
    """As by two clicks on Materialize: both wrote into one ``checkpoints/writing``, and one ended in a FileNotFoundError."""
    with ThreadPoolExecutor(2) as pool:
        for run in [pool.submit(compute.run, "some_program", {}, tmp_path) for _ in range(2)]:
            run.result()
    assert "some_program: another run is at this very work: waiting for its end" in capfd.readouterr().out


def test_other_work_waits_for_nobody(compute, tmp_path, capfd):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(2) as pool:
        for run in [pool.submit(compute.run, "some_program", {}, folder) for folder in folders]:
            run.result()
    assert "waiting" not in capfd.readouterr().out


@pytest.mark.parametrize("threads", [0, 100_000])
def test_a_number_of_threads_that_no_machine_has_is_refused(threads):
    """ONNX Runtime and torch start as many as they are told, and come to no end."""
    with pytest.raises(ValueError, match=f"input_value={threads}"):
        Compute(project=Project(profile="quick"), threads=threads)
