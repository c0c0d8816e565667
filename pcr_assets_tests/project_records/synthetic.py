"""A store with artifacts as the pipeline publishes them, small and made up: records are tested on it without any training."""

import json
from types import SimpleNamespace

from pcr_assets import digests, layout
from pcr_assets.project_records import costs, experiments, manifest, price_table
from pcr_assets.project_records.models import Sources, collect
from pcr_assets.project_records.settings import RecordsSettings
from pcr_assets.project_records.storage import Storage
from pcr_assets.resources import runs
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store

SPEC = {"backbone": "efficientnet_lite0", "embedding_dim": 768, "input_size": [160, 224], "licence": "Apache-2.0"}
RECALL = {"recall_at_1": 0.9, "recall_at_5": 0.95, "low": 0.85, "high": 0.93, "queries": 200}
ANSWERS = {**RECALL, "answered": 0.92, "answered_high": 0.95, "refused": 0.08}
P4D = {"instance": "ml.p4d.24xlarge", "processor": "x", "cores": 96, "threads": 8, "accelerators": ["A100"] * 8}


def store_with_models(folder):
    """Artifacts of every model but the HEF, which is not built, and a release."""
    artifacts = Artifacts(open_store(str(folder)))
    publish(artifacts, layout.PROCESSED, {"cards.parquet": b"cards"}, {"cards": 724, "scans": 730})
    snapshot = publish(artifacts, layout.SNAPSHOT, {"snapshot.parquet": b"pins"}, {"splits": {"train": 500}})
    teacher = trained(artifacts, layout.TEACHER, parameters=303_100_000, teacher_license="DINOv3 License")
    stage1 = trained(artifacts, layout.STAGE1, parameters=4_350_000)
    stage2 = trained(artifacts, layout.STAGE2, parameters=4_350_000)
    onnx = publish(
        artifacts,
        layout.ONNX,
        {"student.onnx": b"o" * 400, "model.json": json.dumps(SPEC).encode()},
        {
            **stage2.record,
            "parity": {"student.onnx": {"minimum": 0.99999}},
            "made_from": {"student_stage2": stage2.digest},
        },
    )
    publish(
        artifacts,
        layout.INT8,
        {"student_int8.onnx": b"i" * 100},
        {"fidelity": {"mean": 0.99}, "made_from": {"student_onnx": onnx.digest}},
    )
    artifacts.publish(
        layout.HEF, {}, digest=digests.of_json("none"), record={"built": False, "reason": "no compiler here"}
    )
    answers = {"int8": {"hard": ANSWERS}, "fp32": {"hard": ANSWERS}}
    publish(
        artifacts,
        layout.RELEASES,
        {"manifest.json": b"{}"},
        {"variants": ["fp32", "int8"], "answers": answers},
    )
    log(artifacts, "teacher_weights", teacher, 720.0, P4D, training_snapshot=snapshot.digest)
    log(artifacts, "student_stage1", stage1, 60.0, {"instance": None}, **{layout.TEACHER: teacher.digest})
    log(artifacts, "student_stage2", stage2, 60.0, {"instance": "ml.x9.huge"}, **{layout.STAGE1: stage1.digest})
    return artifacts


def publish(artifacts, name, files, record):
    digest = digests.of_json({file: digests.of_bytes(data) for file, data in files.items()})
    numbered = name.startswith("models/")
    return artifacts.publish(name, files, digest=digest, record=record, numbered=numbered)


def trained(artifacts, name, teacher_license="Apache-2.0", **record):
    metrics = {"curves": {"loss": [3.0, 2.0, 1.5]}}
    files = {
        "weights.safetensors": name.encode() * 20,
        "model.json": json.dumps(SPEC).encode(),
        "metrics.json": json.dumps(metrics).encode(),
    }
    about = {"recall": {"hard": RECALL}, "backbone": "efficientnet_lite0", "steps": 3}
    return publish(artifacts, name, files, {**about, "teacher_license": teacher_license, **record})


def log(artifacts, asset, artifact, seconds, hardware, **made_from):
    run = runs.Run(
        asset=asset,
        artifact=artifact.name,
        version=artifact.version,
        digest=artifact.digest,
        started="2026-02-01T10:00:00Z",
        ended="2026-02-01T10:12:00Z",
        seconds=seconds,
        hardware=hardware,
        settings={"settings": {"batch": 128, "phases": [{"steps": 3}]}},
        made_from=made_from,
    )
    runs.keep(artifacts.store, run)
    return run


def sources_of(artifacts, **settings):
    chosen = RecordsSettings(**settings)
    found = tuple(runs.logged(artifacts.store))
    return Sources(artifacts, found, price_table.prices(chosen), price_table.history(chosen)), chosen


def told_of(artifacts):
    """What MLflow is told of the runs of a store."""
    sources, _ = sources_of(artifacts)
    return experiments.told(sources, collect(sources))


def index_of(artifacts):
    """The index without the database: as if MLflow had answered with what it was told, but for the curves."""
    found = [(run.experiment, _answered(run)) for run in told_of(artifacts)]
    return experiments.index(found)


def _answered(run):
    info = SimpleNamespace(status="FINISHED", start_time=run.started, end_time=run.ended)
    return SimpleNamespace(info=info, data=SimpleNamespace(tags=run.tags, params=run.params, metrics=run.metrics))


def built(artifacts, **settings):
    """The manifest of a store."""
    sources, chosen = sources_of(artifacts, **settings)
    found = collect(sources)
    data = {layout.PROCESSED: artifacts.current(layout.PROCESSED), layout.RELEASES: artifacts.current(layout.RELEASES)}
    return manifest.build(sources, found, data, costs.figure(sources, Storage((), {}), chosen))
