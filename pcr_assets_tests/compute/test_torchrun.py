"""Several processes on this machine, as torchrun starts them. Each of these programs imports nothing: torchrun does enough."""

import json

import pytest

from pcr_assets.compute.engine import JobFailed
from pcr_assets.compute.settings import Torchrun
from pcr_assets.compute.torchrun import TorchrunCompute

PROGRAM = """
import json, os, sys, pathlib
job = json.loads(pathlib.Path(sys.argv[1]).read_text())
rank = os.environ["RANK"]
pathlib.Path(job["out"], f"rank-{rank}").write_text(f"{os.environ['WORLD_SIZE']} {job['threads']} {os.environ['OMP_NUM_THREADS']}")
if job.get("fails") and rank == "1":
    sys.exit("teacher: the second GPU has no memory left: lower batch")
"""


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Run the program in two processes; gives what is told afterwards."""
    (tmp_path / "shared_program.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{__import__('os').environ.get('PYTHONPATH', '')}")

    def run(**job):
        return TorchrunCompute(Torchrun(processes=2), threads=1).run(
            "shared_program", {"out": str(tmp_path), **job}, tmp_path
        )

    return run


def test_every_process_gets_the_same_job_and_its_own_rank(ran, tmp_path):
    told = ran()
    assert [(tmp_path / f"rank-{rank}").read_text() for rank in (0, 1)] == ["2 1 1", "2 1 1"]
    assert json.loads((tmp_path / "job.json").read_text())["threads"] == 1
    assert (told.hardware["processes"], told.billed_seconds) == (2, None)


def test_the_sentence_of_the_process_that_failed_is_told_and_not_torchruns_report(ran):
    with pytest.raises(JobFailed) as failed:
        ran(fails=True)
    assert (
        str(failed.value) == "shared_program failed (exit 1): teacher: the second GPU has no memory left: lower batch"
    )
