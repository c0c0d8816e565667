"""A training leaves a run in the log: when, on what, with which settings, made from what. No network is trained here."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from pcr_assets import layout
from pcr_assets.assets import models
from pcr_assets.project_records.models import collect
from pcr_assets.resources import runs
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
    """Writes what the training programs write."""

    threads = 2

    def run(self, module, job, workdir):
        out = Path(job["out"])
        if module.endswith("train"):
            save_file({"head": np.ones(3, np.float32)}, out / "weights.safetensors")
            (out / "model.json").write_text(json.dumps({**SPEC, "weights": "none"}))
            metrics = {
                "curves": {"loss": [2.0, 1.0], "validation": [LOOK]},
                "parameters": 3,
                "steps": 2,
                "licence": "MIT",
            }
            (out / "metrics.json").write_text(json.dumps(metrics))
        else:
            hard = {**RECALL, "art_recall_at_1": 0.9}
            (out / "assess.json").write_text(
                json.dumps({"recall": {"hard": hard}, "different_cards": {"mean_cosine": 0.1}})
            )


@pytest.fixture
def project(tmp_path):
    made = Project(store=str(tmp_path / "store"), scratch=str(tmp_path / "work"))
    publish(made.artifacts, layout.SNAPSHOT, {"snapshot.parquet": b"pins"}, {"shards": []})
    return made


def test_a_training_is_logged_beside_its_model(project, monkeypatch):
    monkeypatch.setenv("PCR_INSTANCE_TYPE", "ml.c5.xlarge")
    models.teacher_weights(project=project, compute=DrawnCompute())
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

    found = collect(sources_of(project.artifacts)[0])
    student = found["efficientnet-student-stage1"]
    assert student.parent_model == "dinov3-teacher:v1.0"
    assert student.training_config.steps == 2
    assert student.training_config.cost_usd is not None
    assert not {"started", "ended", "seconds"} & set(held.record), "an artifact holds no clock time"


def test_the_same_weights_trained_twice_are_two_runs_of_one_model(project, monkeypatch):
    clock = iter(range(1_780_000_000, 1_780_001_000, 10))
    monkeypatch.setattr("pcr_assets.resources.runs.time.time", lambda: float(next(clock)))
    for _ in range(2):
        models.teacher_weights(project=project, compute=DrawnCompute())
    assert [run.seconds for run in runs.logged(project.root)] == [10.0, 10.0]
    assert project.artifacts.current(layout.TEACHER).version == "v1.0"
    (teacher,) = collect(sources_of(project.artifacts)[0]).values()
    assert teacher.training_config.seconds == 20.0
