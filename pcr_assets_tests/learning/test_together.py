"""Two processes that train together end where one does, and go on together after they were killed."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pcr_assets.learning import train
from pcr_assets.learning.job import Job
from pcr_assets.learning.spec import ModelSpec
from pcr_assets.learning.together import CannotShare, Team, everyones
from pcr_assets_tests.learning.test_train import cards, quiet

__all__ = ["cards"]
SPEC = ModelSpec(backbone="test_efficientnet", weights="none", embedding_dim=16, input_size=(64, 96)).as_json()
SETTINGS = {
    "phases": [{"steps": 2, "learns": "head"}, {"steps": 3, "learns": "all", "learning_rate": 0.001}],
    "batch": 8,
    "view_size": [64, 96],
    "head_fit_cards": 0,
    "checkpoint_every": 2,
    "validation_queries": 4,
}


def job(folder: Path, cards: Path, out: str, stage: str = "teacher", **settings) -> Job:
    return Job(
        stage=stage,
        settings=SETTINGS | settings,
        spec=SPEC,
        snapshot=cards / "snapshot.parquet",
        shards=[cards / "shard.parquet"],
        out=folder / out,
        threads=1,
    )


WHOLE = {"stage": "student_stage2", "koleo_weight": 0.5, "neighbours": 2}
IN_PARTS = {"accumulate": 2, "phases": [{"steps": 2}]}
AT_ONCE = {"phases": [{"steps": 2}]}


@pytest.fixture(scope="module")
def trained(cards, tmp_path_factory):
    """Folders of runs by one process, ``one-…``, and by two, ``two-…``."""
    folder = tmp_path_factory.mktemp("together")
    traced = job(folder, cards, "one-whole", **WHOLE).model_copy(update={"profile_steps": 1})
    train.train(traced, quiet)
    train.train(job(folder, cards, "one-parts", **AT_ONCE), quiet)
    runs = [
        (job(folder, cards, "two-whole", **WHOLE), None),
        (job(folder, cards, "two-parts", **IN_PARTS), None),
        (job(folder, cards, "two-killed", **WHOLE), 3),
        (job(folder, cards, "two-killed", **WHOLE), None),
        (job(folder, cards, "two-uneven", batch=7), None),
    ]
    file = folder / "runs.json"
    file.write_text(json.dumps([{"job": run.model_dump(mode="json"), "killed_after": last} for run, last in runs]))
    command = [sys.executable, "-m", "pcr_assets_tests.learning.pair", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (folder / "said").write_text(ended.stdout)
    return folder


def loss_of(run: Path) -> list[float]:
    return json.loads((run / "metrics.json").read_text())["curves"]["loss"]


@pytest.mark.parametrize("run", ["whole", "parts"])
def test_two_processes_give_the_result_of_one_up_to_rounding(trained, run):
    """Also where the loss compares all views of a batch (``whole``), and where a batch is shown in parts."""
    alone, pair = trained / f"one-{run}", trained / f"two-{run}"
    assert loss_of(pair) == pytest.approx(loss_of(alone), rel=3e-4)
    ours, theirs = (load_file(run / "weights.safetensors") for run in (alone, pair))
    apart = torch.cat([(ours[name] - theirs[name]).abs().flatten() for name in ours])
    assert (
        apart > 1e-5
    ).float().mean() < 0.02  # Adam's step is as long for a gradient of nothing but rounding as for any


def test_processes_that_were_killed_go_on_together_and_end_with_the_same_bytes(trained):
    whole, killed = trained / "two-whole", trained / "two-killed"
    assert "going on from step 2 of 5" in (trained / "said").read_text()
    for file in ("weights.safetensors", "metrics.json", "model.json"):
        assert (killed / file).read_bytes() == (whole / file).read_bytes(), file


def test_a_checkpoint_of_two_processes_is_not_gone_on_with_by_one(trained):
    (two,) = (trained / "two-whole" / "checkpoints").iterdir()
    (one,) = (trained / "one-whole" / "checkpoints").iterdir()
    assert two.name != one.name


def test_only_the_leader_speaks(trained):
    said = (trained / "said").read_text().splitlines()
    assert [line for line in said if "going on" in line] == ["student_stage2: going on from step 2 of 5"]


def test_a_batch_that_can_not_be_divided_is_refused_with_what_to_change(trained):
    says = "a batch of 7 views can't be divided evenly among 2 processes: change batch"
    assert says in (trained / "said").read_text()
    with pytest.raises(CannotShare, match="among 2 processes in 3 steps each: change batch"):
        Team(rank=0, size=2).share(32, accumulate=3)


def test_adding_gradients_up_over_processes_changes_none_of_another_branch(monkeypatch):
    for name, stand_in in {
        "is_initialized": lambda: True,
        "get_world_size": lambda: 2,
        "get_rank": lambda: 0,
        "all_gather": lambda parts, rows: [part.copy_(rows) for part in parts],
        "all_reduce": lambda total: total.mul_(2),
    }.items():
        monkeypatch.setattr(torch.distributed, name, stand_in)
    rows, others = torch.ones(3, 2, requires_grad=True), torch.ones(6, 2, requires_grad=True)
    beside = others * 1
    (everyones(rows) + beside).square().sum().backward()
    assert rows.grad.unique().tolist() == [8], "of both processes"
    assert others.grad.unique().tolist() == [4]


def test_koleo_is_not_shown_a_batch_in_parts(trained, cards, tmp_path):
    with pytest.raises(CannotShare, match="KoLeo compares all views of a batch"):
        train.train(job(tmp_path, cards, "run", **WHOLE, accumulate=2), quiet)


def test_a_traced_run_leaves_a_trace_and_a_table_of_what_took_its_time(trained):
    """That it changes no weights, the comparison with two processes shows: they were not traced."""
    found = json.loads((trained / "one-whole" / "profile" / "summary.json").read_text())
    assert (found["steps"], found["on"]) == (1, "CPU")
    assert "aten::convolution_backward" in {entry["operator"] for entry in found["operators"]}
    shares = [entry["share"] for entry in found["operators"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1.001
    trace = json.loads(gzip.decompress((trained / "one-whole" / "profile" / "trace.json.gz").read_bytes()))
    assert any("convolution" in event.get("name", "") for event in trace["traceEvents"])
