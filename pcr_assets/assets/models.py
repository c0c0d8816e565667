"""Floor *models*, first half: the teacher and the student's two stages, each trained by a program of ``learning``."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets import first_weights, show
from pcr_assets.assets.dataset import snapshot_files, training_snapshot
from pcr_assets.assets.declare import asset, materialized, off
from pcr_assets.assets.settings import (
    stage1_config,
    stage2_config,
    student_config,
    teacher_config,
    undistilled_config,
)
from pcr_assets.compute.launcher import Ran
from pcr_assets.compute.resource import Compute
from pcr_assets.compute.settings import compute_settings
from pcr_assets.learning.recipe import GIVEN, RECIPES
from pcr_assets.learning.settings import UndistilledSettings
from pcr_assets.resources import runs, traces
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.project import Project

FILES = ("weights.safetensors", "model.json", "metrics.json")
ASSETS = {
    layout.TEACHER: "teacher_weights",
    layout.STAGE1: "student_stage1",
    layout.UNDISTILLED: "student_undistilled",
    layout.STAGE2: "student_stage2",
}
CODE = {layout.TEACHER: "1", layout.STAGE1: "1", layout.UNDISTILLED: "3", layout.STAGE2: "2"}
"""The code version of each training: one that other code began is not gone on with."""


@asset(
    "models",
    layout.TEACHER,
    deps=[training_snapshot, teacher_config],
    kinds={"pytorch"},
    code_version=CODE[layout.TEACHER],
)
def teacher_weights(project: Project, compute: Compute) -> dg.MaterializeResult:
    """The teacher: a large backbone that learned to name cards through the camera. Its licence goes with all it teaches."""
    return _trained(project, compute, layout.TEACHER)


@asset(
    "models",
    layout.STAGE1,
    deps=[training_snapshot, teacher_weights, student_config, stage1_config],
    kinds={"pytorch"},
    code_version=CODE[layout.STAGE1],
)
def student_stage1(project: Project, compute: Compute) -> dg.MaterializeResult:
    """The student, distilled: through the camera it must meet what the teacher says of the clean card."""
    return _trained(project, compute, layout.STAGE1, parent=layout.TEACHER)


@asset(
    "models",
    layout.UNDISTILLED,
    deps=[training_snapshot, student_config, stage1_config, undistilled_config],
    kinds={"pytorch"},
    code_version=CODE[layout.UNDISTILLED],
)
def student_undistilled(project: Project, compute: Compute) -> dg.MaterializeResult:
    """What distillation has to beat: stage 1's student, schedule and views, but learning from the cards alone."""
    if not UndistilledSettings(**project.settings.section("undistilled")).trained:
        return off(project, layout.UNDISTILLED, "undistilled.trained is false")
    return _trained(project, compute, layout.UNDISTILLED)


@asset(
    "models",
    layout.STAGE2,
    deps=[training_snapshot, student_stage1, stage2_config],
    kinds={"pytorch"},
    code_version=CODE[layout.STAGE2],
)
def student_stage2(project: Project, compute: Compute) -> dg.MaterializeResult:
    """The student, fine-tuned for retrieval: it learns to tell each card from the cards it confuses it with."""
    return _trained(project, compute, layout.STAGE2, parent=layout.STAGE1)


def model_files(artifacts: Artifacts, name: str) -> dict[str, str]:
    """The local files of a trained model as a training job names them: ``weights`` and ``model``."""
    model = artifacts.current(name)
    files = {"weights": "weights.safetensors", "model": "model.json"}
    return {key: str(artifacts.fetch(model, file)) for key, file in files.items()}


def _trained(project: Project, compute: Compute, name: str, *, parent: str | None = None) -> dg.MaterializeResult:
    """Train, assess on test cards, publish. A killed training goes on from its checkpoint: same job, same scratch folder."""
    artifacts, settings = project.artifacts, project.settings  # once: a person may be editing the profile
    job = RECIPES[name](settings, partial(model_files, artifacts))
    snapshot = artifacts.current(layout.SNAPSHOT)  # once: another may be current when the training ends
    source = snapshot_files(artifacts, snapshot)
    above = artifacts.current(parent) if parent else None
    made_of = [snapshot.digest, above.digest if above else None]
    spec = job.get("spec")
    held = first_weights.content(project, spec["weights"]) if spec else ""
    asked = {
        **job,
        **{part: {} for part in GIVEN if part in job},
    }  # what came back lies in another folder, and is the same
    identity = [asked, *made_of, compute.threads, CODE[name], *filter(None, [held])]
    work = project.workdir(f"{job['stage']}-{digests.of_json(identity)[:16]}")
    local = {**job, "spec": {**spec, "weights": first_weights.local(project, spec["weights"], work)}} if spec else job
    watch = runs.Stopwatch(work)
    traced = compute_settings(settings).profile_steps
    ran = compute.run(
        "pcr_assets.learning.train",
        {**local, **source, "out": str(work), "assess": True, "profile_steps": traced},
        work,
    )
    if spec:
        _name_source(work / "model.json", spec["weights"])
    metrics, assessed = (json.loads((work / file).read_text()) for file in ("metrics.json", "assess.json"))
    licence = above.record["teacher_license"] if above else metrics["licence"]
    record = {
        **assessed,
        "backbone": json.loads((work / "model.json").read_text())["backbone"],
        "parameters": metrics["parameters"],
        "steps": metrics["steps"],
        "teacher_license": licence,
    }
    files = {file: work / file for file in FILES}
    published = artifacts.publish(name, files, digest=_digest(files), record=record, numbered=True)
    made_from = {"training_snapshot": snapshot.digest}
    about = {
        "hardware": ran.hardware,
        "billed_seconds": ran.billed_seconds,
        "settings": {part: job[part] for part in ("settings", "spec") if part in job},
        "made_from": made_from | ({above.name: above.digest} if above else {}),
    }
    runs.keep(artifacts.store, watch.ended(ASSETS[name], published, **about))
    shown = _shown(metrics, record) | _rented(ran)
    return materialized(published, shown | (_traced(artifacts, job["stage"], work) if traced else {}))


def _rented(ran: Ran) -> dict[str, Any]:
    """What a training took that somebody is paid for."""
    if ran.billed_seconds is None:
        return {}
    machine = f"{ran.hardware.get('instances', 1)} × {ran.hardware.get('instance') or 'a machine of no known type'}"
    return {"rented": machine, "billed seconds": ran.billed_seconds}


def _traced(artifacts: Artifacts, stage: str, work: Path) -> dict[str, Any]:
    """Keep the trace of this training, and show where its time went."""
    folder = work / "profile"
    if not folder.exists():
        return {"time of a step": "no trace: this run had fewer steps left than are passed over before the traced ones"}
    found = json.loads((folder / "summary.json").read_text())
    place = traces.keep(artifacts.store, stage, folder)
    rows = {entry.pop("operator"): entry for entry in found["operators"]}
    return {
        "time of a step": show.rows(rows, f"operator, on the {found['on']}"),
        "trace": dg.MetadataValue.path(f"{artifacts.store.root}/{place}/trace.json.gz"),
    }


def _name_source(model: Path, weights: str) -> None:
    """Let a published spec say where its first weights came from, not where they lay on this machine."""
    spec = json.loads(model.read_text())
    if spec["weights"] != weights:
        model.write_text(json.dumps({**spec, "weights": weights}, indent=1, sort_keys=True))


def _digest(files: dict[str, Path]) -> str:
    from pcr_assets.learning.weights import tensor_digest

    model = json.loads(files["model.json"].read_text())
    return digests.of_json([tensor_digest(files["weights.safetensors"]), model])


def _shown(metrics: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    hard = record["recall"]["hard"]
    return {
        "recall@1 (hard camera)": hard["recall_at_1"],
        "recall@5 (hard camera)": hard["recall_at_5"],
        **_beyond_strangers(hard),
        "mean cosine of different cards": record["different_cards"]["mean_cosine"],
        "parameters": record["parameters"],
        "teacher's licence": record["teacher_license"],
        "test cards through the camera": show.rows(record["recall"], "strength", show.SEARCH),
        "loss": show.curves({"loss": metrics["curves"]["loss"]}, "training loss", "step"),
        "validation": show.rows(
            {str(look["step"]): _in_short(look) for look in metrics["curves"]["validation"]}, "step"
        ),
    }


def _beyond_strangers(found: dict[str, Any]) -> dict[str, float]:
    """The share of test cards whose art is found, and more surely than that of cards which are not there."""
    share = found.get("art_recall_beyond_strangers")
    return {} if share is None else {"art found beyond strangers (hard camera)": share}


def _in_short(look: dict[str, Any]) -> dict[str, Any]:
    """One look at validation cards, as a row."""
    return {
        "recall@1": look["recall_at_1"]["recall"],
        "recall@5": look["recall_at_5"]["recall"],
        "art@1": look["art_recall_at_1"]["recall"],
        "same card": look["same_card"],
        "other cards": look["mean_cosine"],
    }
