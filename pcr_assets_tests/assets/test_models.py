"""A training leaves a run in the log: when, on what, with which settings, made from what. No network is trained here."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from pcr_assets import layout
from pcr_assets.assets import models
from pcr_assets.compute.launcher import Ran
from pcr_assets.learning.settings import Stage1Settings, TeacherSettings, TrainingSettings
from pcr_assets.project_records.models import collect
from pcr_assets.resources import hardware, runs
from pcr_assets.resources.project import Project
from pcr_assets_tests.project_records.synthetic import RECALL, SPEC, publish, sources_of

FOUND = {"recall": 0.9}
LOOK = {
    "step": 2,
    **dict.fromkeys(("recall_at_1", "recall_at_5", "art_recall_at_1"), FOUND),
    "same_card": 0.9,
    "mean_cosine": 0.1,
}


class DrawnCompute:
    """Writes what the training program writes, and is paid for it."""

    threads = 2

    def run(self, module, job, workdir):
        assert module == "pcr_assets.learning.train"
        assert job["assess"]
        out = Path(job["out"])
        save_file({"head": np.ones(3, np.float32)}, out / "weights.safetensors")
        (out / "model.json").write_text(json.dumps({**SPEC, "weights": "none"}))
        metrics = {
            "curves": {"loss": [2.0, 1.0], "validation": [LOOK]},
            "parameters": 3,
            "steps": 2,
            "licence": "MIT",
        }
        (out / "metrics.json").write_text(json.dumps(metrics))
        hard = {**RECALL, "art_recall_at_1": 0.9}
        (out / "assess.json").write_text(
            json.dumps({"recall": {"hard": hard}, "different_cards": {"mean_cosine": 0.1}})
        )
        if job["profile_steps"]:
            (out / "profile").mkdir(exist_ok=True)
            (out / "profile" / "trace.json.gz").write_bytes(b"trace")
            operators = [{"operator": "aten::convolution", "ms_a_step": 9.5, "share": 0.95, "calls_a_step": 49}]
            (out / "profile" / "summary.json").write_text(json.dumps({"on": "CPU", "operators": operators}))
        return Ran(hardware.here(2), billed_seconds=840.0)


@pytest.fixture
def project(tmp_path):
    made = Project(store=str(tmp_path / "store"), scratch=str(tmp_path / "work"))
    publish(made.artifacts, layout.SNAPSHOT, {"snapshot.parquet": b"pins"}, {"shards": []})
    return made


def test_a_training_is_logged_beside_its_model(project, monkeypatch):
    monkeypatch.setenv("PCR_INSTANCE_TYPE", "ml.c5.xlarge")
    made = models.teacher_weights(project=project, compute=DrawnCompute())
    assert (made.metadata["rented"], made.metadata["billed seconds"]) == ("1 × ml.c5.xlarge", 840.0)
    models.student_stage1(project=project, compute=DrawnCompute())
    teacher, stage1 = runs.logged(project.root)
    if teacher.asset != "teacher_weights":  # both began in the same second
        teacher, stage1 = stage1, teacher
    held = project.artifacts.current(layout.TEACHER)
    assert (teacher.version, teacher.digest, teacher.artifact) == (held.version, held.digest, layout.TEACHER)
    assert teacher.settings["settings"] == project.settings.section("teacher")["settings"]
    assert teacher.settings["spec"]["backbone"] == "efficientnet_lite2"
    assert teacher.made_from == {"training_snapshot": project.artifacts.current(layout.SNAPSHOT).digest}
    assert stage1.made_from[layout.TEACHER] == held.digest
    assert (teacher.hardware["instance"], teacher.hardware["threads"]) == ("ml.c5.xlarge", 2)
    assert teacher.billed_seconds == 840.0

    found = collect(sources_of(project.artifacts)[0])
    student = found["efficientnet-student-stage1"]
    assert student.parent_model == "dinov3-teacher:v1.0"
    assert student.training_config.steps == 2
    assert student.training_config.cost_usd is not None
    assert not {"started", "ended", "seconds"} & set(held.record), "an artifact holds no clock time"


def test_the_same_weights_trained_twice_are_two_runs_of_one_model(project, monkeypatch):
    for of in ("time.time", "monotonic"):
        clock = iter(range(1_780_000_000, 1_780_001_000, 10))
        monkeypatch.setattr(f"pcr_assets.resources.runs.{of}", lambda clock=clock: float(next(clock)))
    for _ in range(2):
        models.teacher_weights(project=project, compute=DrawnCompute())
    assert [run.seconds for run in runs.logged(project.root)] == [10.0, 10.0]
    assert project.artifacts.current(layout.TEACHER).version == "v1.0"
    (teacher,) = collect(sources_of(project.artifacts)[0]).values()
    assert teacher.training_config.seconds == 20.0
    assert teacher.training_config.billed_seconds == 1680.0, "as the cost is, of both"


def test_a_training_that_other_code_began_is_not_gone_on_with(project, monkeypatch):
    """Its checkpoints lie in the scratch folder until they are tidied away: old weights would be published as of the new code."""
    for version in ("1", "1", "2"):
        monkeypatch.setitem(models.CODE, layout.TEACHER, version)
        models.teacher_weights(project=project, compute=DrawnCompute())
    assert len(list(Path(project.scratch).glob("teacher-*"))) == 2


def test_a_student_is_gone_on_with_when_its_teacher_came_back_as_another_version(project):
    """A setting of the teacher that was tried and taken back: the old weights lie in a new folder."""
    models.teacher_weights(project=project, compute=DrawnCompute())
    models.student_stage1(project=project, compute=DrawnCompute())
    first = project.artifacts.current(layout.TEACHER)
    others = dict.fromkeys(models.FILES, b"{}")
    project.artifacts.publish(layout.TEACHER, others, digest="e" * 64, record=first.record, numbered=True)
    models.teacher_weights(project=project, compute=DrawnCompute())
    again = project.artifacts.current(layout.TEACHER)
    assert (first.version, again.version, again.digest) == ("v1.0", "v1.2", first.digest)
    models.student_stage1(project=project, compute=DrawnCompute())
    assert len(list(Path(project.scratch).glob("student_stage1-*"))) == 1


def test_a_profile_that_is_edited_while_a_training_begins_has_a_training_of_its_own(tmp_path, project, monkeypatch):
    """It was begun with the settings of before, in the folder of those of after."""
    profile = tmp_path / "edited.yaml"
    profile.write_text("extends: embedded\n")
    edited = Project(store=project.store, scratch=project.scratch, profile=str(profile))
    files = models.snapshot_files

    def edit(*given):
        profile.write_text("extends: embedded\nteacher: {settings: {batch: 7}}\n")
        return files(*given)

    monkeypatch.setattr(models, "snapshot_files", edit)
    for _ in range(2):
        models.teacher_weights(project=edited, compute=DrawnCompute())
    assert len(list(Path(project.scratch).glob("teacher-*"))) == 2


def test_a_student_without_a_teacher_is_trained_as_the_distilled_one_is_but_where_a_profile_declines(project, tmp_path):
    profile = tmp_path / "not_compared.yaml"
    for declining in ("false", "'false'"):  # a text that says so is one too, by what checks the profile
        profile.write_text(f"extends: embedded\nundistilled: {{trained: {declining}}}\n")
        declined = Project(store=project.store, scratch=project.scratch, profile=str(profile))
        said = models.student_undistilled(project=declined, compute=DrawnCompute())
        assert said.metadata.get("off") == "undistilled.trained is false"

    models.student_undistilled(project=project, compute=DrawnCompute())
    (run,) = runs.logged(project.root)
    taught = run.settings["settings"]
    assert (run.asset, set(run.made_from)) == ("student_undistilled", {"training_snapshot"})
    stage1 = Stage1Settings(**project.settings.section("stage1"))
    shared = set(TrainingSettings.model_fields)
    assert TeacherSettings(**taught).model_dump(include=shared) == stage1.model_dump(include=shared), (
        "stage 1's steps, views and cards for the head, named in the profile or not"
    )
    assert run.settings["spec"] == project.settings.section("student")
    assert "efficientnet-student-undistilled" not in collect(sources_of(project.artifacts)[0]), (
        "it is not of the product"
    )


def test_the_trace_of_a_training_is_kept_and_its_table_shown(project, tmp_path):
    profile = tmp_path / "traced.yaml"
    profile.write_text("extends: embedded\ncompute: {profile_steps: 3}\n")
    traced = Project(store=project.store, scratch=project.scratch, profile=str(profile))
    for _ in range(2):
        shown = models.teacher_weights(project=traced, compute=DrawnCompute()).metadata
    (row,) = shown["time of a step"].records
    assert row.data == {
        "operator, on the CPU": "aten::convolution",
        "ms a step": 9.5,
        "share": 0.95,
        "calls a step": 49,
    }
    first, second = sorted({entry.key.rpartition("/")[0] for entry in project.root.list(layout.PROFILING)})
    assert second == f"{first}-2"
    assert first.startswith("profiling/teacher/20")
    assert project.root.read(f"{second}/trace.json.gz") == b"trace"


def test_a_run_says_what_it_was_made_from_though_another_snapshot_is_pinned_meanwhile(project):
    class PinnedMeanwhile(DrawnCompute):
        def run(self, module, job, workdir):
            publish(project.artifacts, layout.SNAPSHOT, {"snapshot.parquet": b"other pins"}, {"shards": []})
            return super().run(module, job, workdir)

    used = project.artifacts.current(layout.SNAPSHOT).digest
    models.teacher_weights(project=project, compute=PinnedMeanwhile())
    (run,) = runs.logged(project.root)
    assert project.artifacts.current(layout.SNAPSHOT).digest != used
    assert run.made_from == {"training_snapshot": used}
