"""Several processes on this machine, as torchrun starts them. Each of these programs imports nothing: torchrun does enough."""

import json

import pytest

from pcr_assets.compute.launcher import JobFailed
from pcr_assets.compute.settings import Torchrun
from pcr_assets.compute.torchrun import TorchrunCompute

PROGRAM = """
import json, os, sys, pathlib, time
job = json.loads(pathlib.Path(sys.argv[1]).read_text())
rank = os.environ["RANK"]
pathlib.Path(job["out"], f"rank-{rank}").write_text(f"{os.environ['WORLD_SIZE']} {job['threads']} {os.environ['OMP_NUM_THREADS']}")
first = pathlib.Path(job["out"], "rank-0")
if job.get("fails") and rank == "1":
    while not (first.exists() and first.read_text()):  # torchrun ends it together with this one
        time.sleep(0.01)
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


def test_every_process_gets_the_same_job_and_the_sentence_of_the_one_that_failed_is_told(ran, tmp_path):
    """And not torchrun's own report, which comes after it."""
    with pytest.raises(JobFailed) as failed:
        ran(fails=True)
    assert [(tmp_path / f"rank-{rank}").read_text() for rank in (0, 1)] == ["2 1 1", "2 1 1"]
    assert json.loads((tmp_path / "job.json").read_text())["threads"] == 1
    assert (
        str(failed.value) == "shared_program failed (exit 1): teacher: the second GPU has no memory left: lower batch"
    )


def test_several_machines_are_told_what_to_run(tmp_path, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(
        "pcr_assets.compute.torchrun.run_here", lambda module, given, **_: started.append([module, *given])
    )
    settings = Torchrun(processes=8, nodes=2, rendezvous="head:29400")
    told = TorchrunCompute(settings, threads=1).run("program", {}, tmp_path)
    command = " ".join(started[0])
    assert command.endswith(f"--processes 8 --nodes 2 --rendezvous head:29400 program {tmp_path}/job.json")
    assert (
        f"waiting for 1 other machines: run there, in the same folders: python -m {command}" in capsys.readouterr().out
    )
    assert (told.hardware["processes"], told.billed_seconds) == (16, None)
