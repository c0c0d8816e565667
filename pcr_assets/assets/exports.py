"""Floor *exports*: the student as files that run without torch: ONNX, an integer ONNX, and a HEF for the Hailo chip."""

import json
from pathlib import Path

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets import show
from pcr_assets.assets.dataset import calibration_set, snapshot_files, training_snapshot
from pcr_assets.assets.declare import asset, materialized
from pcr_assets.assets.models import student_stage2
from pcr_assets.assets.settings import hailo_config, quantization_config
from pcr_assets.compute.resource import Compute
from pcr_assets.hailo.hef import require_compiled
from pcr_assets.hailo.request import CompileRequest, HailoSettings
from pcr_assets.resources import hardware, runs
from pcr_assets.resources.artifacts import Artifact, Artifacts
from pcr_assets.resources.hailo import HailoCompiler
from pcr_assets.resources.project import Project

COMPARED = 64
"""Cards on which an export is compared with its source."""


@asset("exports", layout.ONNX, deps=[student_stage2, training_snapshot], kinds={"onnx"}, code_version="1")
def student_onnx(project: Project, compute: Compute) -> dg.MaterializeResult:
    """The student as ONNX: uint8 cards in, unit vectors out, checked against torch; and the cut graph for Hailo's compiler."""
    artifacts = project.artifacts
    student = artifacts.current(layout.STAGE2)
    work = project.workdir(f"onnx-{student.digest[:16]}")
    job = {
        "weights": str(artifacts.fetch(student, "weights.safetensors")),
        "model": str(artifacts.fetch(student, "model.json")),
        "images": str(_some_cards(artifacts, work / "cards.npy", student)),
        "out": str(work),
    }
    compute.run("pcr_assets.learning.export", job, work)
    found = json.loads((work / "export.json").read_text())
    files = {name: work / name for name in found["files"]} | {"model.json": artifacts.fetch(student, "model.json")}
    record = {**student.record, **found, "made_from": {"student_stage2": student.digest}}
    published = artifacts.publish(layout.ONNX, files, digest=found["digest"], record=record, numbered=True)
    return materialized(published, {"cosine to torch": show.rows(found["parity"], "graph", show.AGREEMENT)})


def _some_cards(artifacts: Artifacts, path: Path, student: Artifact) -> Path:
    """Clean cards of all the snapshot, at the student's input size, on which both graphs are compared with torch."""
    import numpy as np

    from pcr_assets.cards.calibration import clean_cards
    from pcr_assets.cards.reader import CardImages
    from pcr_assets.measures import even_sample

    cards = CardImages([Path(shard) for shard in snapshot_files(artifacts)["shards"]])
    width, height = json.loads(artifacts.fetch(student, "model.json").read_text())["input_size"]
    np.save(path, clean_cards(cards, even_sample(len(cards), COMPARED).tolist(), (width, height)))
    return path


@asset(
    "exports", layout.INT8, deps=[student_onnx, calibration_set, quantization_config], kinds={"onnx"}, code_version="2"
)
def student_int8(project: Project, compute: Compute) -> dg.MaterializeResult:
    """The ONNX model with 8-bit weights and activations, calibrated on camera-like crops, checked against FP32."""
    artifacts = project.artifacts
    onnx, calibration = artifacts.current(layout.ONNX), artifacts.current(layout.CALIBRATION)
    settings = project.settings.section("quantization")
    work = project.workdir(f"int8-{digests.of_json([onnx.digest, calibration.digest, settings])[:16]}")
    job = {
        "onnx": str(artifacts.fetch(onnx, "student.onnx")),
        "calibration": str(artifacts.fetch(calibration, "calibration.npy")),
        "check": str(artifacts.fetch(calibration, "check.npy")),
        "settings": settings,
        "out": str(work),
    }
    compute.run("pcr_assets.learning.quantize", job, work)
    found = json.loads((work / "quantize.json").read_text())
    record = {**found, "made_from": {"student_onnx": onnx.digest, "calibration_set": calibration.digest}}
    files = {"student_int8.onnx": work / "student_int8.onnx"}
    published = artifacts.publish(layout.INT8, files, digest=found["digest"], record=record, numbered=True)
    return materialized(published, {"cosine to FP32": show.rows({"INT8": found["fidelity"]}, "model", show.AGREEMENT)})


@asset("exports", layout.HEF, deps=[student_onnx, calibration_set, hailo_config], kinds={"hailo"}, code_version="1")
def student_hef(context: dg.AssetExecutionContext, project: Project, hailo: HailoCompiler) -> dg.MaterializeResult:
    """The student compiled for the Hailo-8L. Where no compiler is installed the asset says so, and no file is made."""
    if reason := hailo.available():
        context.log.warning(reason)
        record = {"built": False, "reason": reason}
        published = project.artifacts.publish(layout.HEF, {}, digest=digests.of_json({"built": False}), record=record)
        return materialized(published, {"built": False, "reason": reason})
    return _compiled(project, hailo)


def _compiled(project: Project, hailo: HailoCompiler) -> dg.MaterializeResult:
    artifacts = project.artifacts
    onnx, calibration = artifacts.current(layout.ONNX), artifacts.current(layout.CALIBRATION)
    settings = project.settings.section("hailo")
    spec = json.loads(artifacts.fetch(onnx, "model.json").read_text())
    request = CompileRequest(
        onnx=artifacts.fetch(onnx, "student_hailo.onnx"),
        calibration=artifacts.fetch(calibration, "calibration.npy"),
        samples=artifacts.fetch(calibration, "check.npy"),
        input_size=tuple(spec["input_size"]),
        mean=tuple(spec["mean"]),
        std=tuple(spec["std"]),
        settings=HailoSettings(**settings),
    )
    work = project.workdir(f"hef-{digests.of_json([onnx.digest, calibration.digest, settings])[:16]}")
    watch = runs.Stopwatch(work)
    result = hailo.compile(request, work)
    require_compiled(result.hef)
    emulated = {name: vars(agreement) for name, agreement in hailo.emulation(result, request).items()}
    record = {
        "built": True,
        "versions": result.versions,
        "emulation": emulated,
        "made_from": {"student_onnx": onnx.digest},
    }
    published = artifacts.publish(
        layout.HEF,
        {"pokemon_student_efficientnet_lite0_stage2.hef": result.hef, "student.har": result.har},
        digest=digests.of_file(result.hef),
        record=record,
        numbered=True,
    )
    about = {"settings": {"settings": vars(request.settings)}, "made_from": record["made_from"]}
    runs.keep(artifacts.store, watch.ended("student_hef", published, hardware=hardware.here(0), **about))
    return materialized(published, {"built": True, "log": dg.MetadataValue.json(vars(result.log))})
