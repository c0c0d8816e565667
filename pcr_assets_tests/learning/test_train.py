"""A training run: what it leaves behind, and that a killed run ends where an uninterrupted one does."""

import json

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from pcr_assets.learning import train
from pcr_assets.learning.checkpoint import load_tensors
from pcr_assets.learning.job import Job, TrainedModel
from pcr_assets.learning.spec import ModelSpec
from pcr_assets_tests.small_student import painted_cards

SPEC = ModelSpec(backbone="test_efficientnet", weights="none", embedding_dim=16, input_size=(64, 96)).as_json()
PRETRAINED = ModelSpec(embedding_dim=16, input_size=(64, 96)).as_json()
"""The same first weights each time: what a training moved is seen beside them."""
QUICK = {
    "phases": [{"steps": 2, "learns": "head"}, {"steps": 3, "learns": "all"}],
    "batch": 4,
    "view_size": [64, 96],
    "head_fit_cards": 12,
    "checkpoint_every": 2,
    "validation_queries": 4,
}


class Killed(Exception):
    """Stands for SIGKILL between two steps."""


@pytest.fixture(scope="module")
def cards(tmp_path_factory):
    """A snapshot and one shard of 16 painted cards: 12 to train on, 4 to validate on. c2 is seen in two scans."""
    folder = tmp_path_factory.mktemp("cards")
    pictures = painted_cards(17, size=(96, 144))
    rows = [
        {
            "card_id": f"c{i if i < 16 else 2}",
            "view": int(i == 16),
            "set": "s",
            "number": str(i),
            "name": f"card {i}",
            "pixel_digest": f"d{i}",
            "image": cv2.imencode(".jpg", pictures[i][..., ::-1])[1].tobytes(),
        }
        for i in range(17)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "shard.parquet")
    pinned = [
        {
            **{name: row[name] for name in ("card_id", "view", "set", "name", "pixel_digest")},
            "art_group": row["card_id"],
            "split": "validation" if row["card_id"] in {"c12", "c13", "c14", "c15"} else "train",
        }
        for row in rows
    ]
    pq.write_table(pa.Table.from_pylist(pinned), folder / "snapshot.parquet")
    return folder


@pytest.fixture
def job_for(cards, tmp_path):
    def make(stage="teacher", out="run", settings=QUICK, **others):
        given = {"spec": SPEC, "out": tmp_path / out, "threads": 1, **others}
        return Job(
            stage=stage,
            settings=settings,
            snapshot=cards / "snapshot.parquet",
            shards=[cards / "shard.parquet"],
            **given,
        )

    return make


def trained(job: Job) -> TrainedModel:
    return TrainedModel(weights=job.out / "weights.safetensors", model=job.out / "model.json")


def quiet(line: str) -> None:
    pass


def test_all_three_stages_follow_each_other(job_for):
    teacher = job_for("teacher", "teacher")
    stage1 = job_for("student_stage1", "stage1", teacher=trained(teacher))
    further = QUICK | {"neighbours": 2, "head_fit_cards": 0}
    stage2 = job_for("student_stage2", "stage2", init=trained(stage1), spec=None, settings=further)
    for job in (teacher, stage1, stage2):
        metrics = train.train(job, quiet)
        assert metrics["steps"] == 5
        assert len(metrics["curves"]["loss"]) == 5
        assert metrics["validation"]["recall_at_1"]["queries"] == 4
        assert json.loads((job.out / "metrics.json").read_text()) == json.loads(json.dumps(metrics))
        assert trained(job).load().spec.embedding_dim == 16


def test_a_student_without_a_teacher_begins_with_a_head_in_closed_form_as_the_distilled_one_does(job_for):
    """Beside a random one, part of what distillation is praised for would be the head's."""
    alone = job_for("student_undistilled", "alone")
    train.train(alone, quiet)
    (prepared,) = alone.out.glob("prepared-*.safetensors")
    assert {"head.weight", "head.bias", "proxies"} == set(load_tensors(prepared))


def test_stage_2_goes_on_with_the_head_of_stage_1_or_begins_with_a_new_one(job_for):
    stage1 = job_for("student_undistilled", "stage1")
    train.train(stage1, quiet)

    def prepared(name, head_fit_cards):
        settings = QUICK | {"head_fit_cards": head_fit_cards, "phases": [{"steps": 1}]}
        job = job_for("student_stage2", name, init=trained(stage1), spec=None, settings=settings)
        train.train(job, quiet)
        (file,) = job.out.glob("prepared-*.safetensors")
        return set(load_tensors(file))

    assert prepared("kept", 0) == {"proxies", "neighbours"}
    assert prepared("new", 12) == {"proxies", "neighbours", "head.weight", "head.bias"}


def test_stage_2_computes_its_head_anew_at_the_end_where_there_are_cards_enough(job_for):
    stage1 = job_for("student_undistilled", "stage1")
    train.train(stage1, quiet)

    def weights(out, say=quiet, **more):
        settings = QUICK | {"head_fit_cards": 0, **more}
        job = job_for("student_stage2", out, init=trained(stage1), spec=None, settings=settings)
        metrics = train.train(job, say)
        assert [look["step"] for look in metrics["curves"]["validation"]] == [5]
        return load_tensors(job.out / "weights.safetensors")

    kept, anew = weights("kept"), weights("anew", head_refit_cards=12)
    assert {name for name in kept if not torch.equal(kept[name], anew[name])} == {"head.weight", "head.bias"}

    weights("wide", head_refit_cards=12, head_refit_blocks=2)
    wide = trained(job_for("student_stage2", "wide", spec=None, init=trained(stage1))).load()
    assert wide.spec.blocks_seen == 2
    assert wide.head.in_features > kept["head.weight"].shape[1], "it sees the means of two blocks as well"

    lines: list[str] = []
    few = weights("few", lines.append, head_refit_cards=100)
    assert all(torch.equal(kept[name], few[name]) for name in kept)
    assert any("computed anew from 100 cards, and there are 13" in line for line in lines)


def test_stage_1_and_its_rival_end_in_the_head_with_which_the_next_stage_would_begin(job_for):
    """However few cards there are: its axes are as many for few cards as for many."""
    train.train(job_for("teacher", "teacher"), quiet)

    def weights(stage, count, **given):
        job = job_for(stage, f"{stage}-{count}", settings=QUICK | {"head_refit_cards": count}, **given)
        train.train(job, quiet)
        return load_tensors(job.out / "weights.safetensors")

    teacher = trained(job_for("teacher", "teacher"))
    for stage, given in (("student_stage1", {"teacher": teacher}), ("student_undistilled", {})):
        kept, anew = weights(stage, 0, **given), weights(stage, 100, **given)
        assert {name for name in kept if not torch.equal(kept[name], anew[name])} == {"head.weight", "head.bias"}


def killed_and_gone_on_with(job: Job, monkeypatch: pytest.MonkeyPatch, killed_after: int) -> list[str]:
    """Train it until it is killed after a step, then to its end; gives what the second start says."""
    tell = train.Pace.tell

    def killing(pace, done, loss):
        tell(pace, done, loss)
        if done > killed_after:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(train.Pace, "tell", killing)
        train.train(job, quiet)
    lines: list[str] = []
    train.train(job, lines.append)
    return lines


def assert_same_bytes(job: Job, other: Job) -> None:
    for file in ("weights.safetensors", "metrics.json", "model.json"):
        assert (job.out / file).read_bytes() == (other.out / file).read_bytes(), file


@pytest.mark.parametrize("killed_after", [1, 2, 3, 4])
def test_a_killed_run_ends_with_the_same_bytes(job_for, monkeypatch, killed_after):
    whole, killed = job_for(out="whole"), job_for(out="killed")
    train.train(whole, quiet)
    killed_and_gone_on_with(killed, monkeypatch, killed_after)
    assert_same_bytes(killed, whole)


@pytest.mark.parametrize("stage", ["student_stage1", "student_stage2"])
def test_each_stage_of_the_student_goes_on_from_its_checkpoint(job_for, monkeypatch, stage):
    """The loss of stage 1 holds no tensors: its file, which every checkpoint had, could not be read again."""
    teacher = job_for("teacher", "teacher")
    train.train(teacher, quiet)
    given = {"teacher": trained(teacher)} if stage == "student_stage1" else {"init": trained(teacher), "spec": None}
    whole, killed = job_for(stage, "whole", **given), job_for(stage, "killed", **given)
    train.train(whole, quiet)
    said = killed_and_gone_on_with(killed, monkeypatch, 3)
    assert f"{stage}: going on from step 2 of 5" in said
    assert_same_bytes(killed, whole)


def test_a_checkpoint_of_other_settings_is_not_gone_on_with(job_for):
    first = job_for()
    train.train(first, quiet)
    other = job_for(settings=QUICK | {"seed": 1})
    lines: list[str] = []
    train.train(other, lines.append)
    assert not any("going on" in line for line in lines)
    assert (other.out / "weights.safetensors").exists()


def test_a_run_that_is_done_trains_no_further_step(job_for):
    job = job_for()
    metrics = train.train(job, quiet)
    lines: list[str] = []
    assert train.train(job, lines.append) == metrics
    going_on, looked = lines
    assert going_on == "teacher: going on from step 5 of 5"
    assert looked.startswith("val_recall@1="), "it is judged once more, for that comes after the last checkpoint"


def moved(job: Job) -> set[str]:
    """The first part of the names of the tensors that training changed."""
    before = train.build(ModelSpec.from_json(job.spec or {})).state_dict()
    after = trained(job).load().state_dict()
    return {".".join(name.split(".")[:3]) for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("batch_norm", ["folded", "trained"])
def test_a_phase_for_the_head_leaves_the_backbone_as_it_was(job_for, batch_norm):
    """The statistics of its BatchNorms, too: the head learns on features that stay."""
    job = job_for(
        spec=PRETRAINED | {"batch_norm": batch_norm},
        settings=QUICK | {"phases": [{"steps": 2, "learns": "head", "learning_rate": 0.1}]},
    )
    train.train(job, quiet)
    assert moved(job) == {"head.weight", "head.bias"}


def test_the_last_blocks_alone_can_learn(job_for):
    job = job_for(spec=PRETRAINED, settings=QUICK | {"phases": [{"steps": 2, "learns": 2, "learning_rate": 0.01}]})
    train.train(job, quiet)
    assert moved(job) == {"head.weight", "head.bias", "backbone.blocks.5", "backbone.blocks.6"}


def test_weights_that_are_not_there_end_the_program_with_one_sentence(job_for, capsys, tmp_path):
    job = job_for(spec=SPEC | {"weights": "file:/nowhere/x.safetensors"})
    (tmp_path / "job.json").write_text(job.model_dump_json())
    assert train.main([str(tmp_path / "job.json")]) == 1
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("teacher: there is no weights file /nowhere")
