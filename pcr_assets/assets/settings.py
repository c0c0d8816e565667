"""Floor *settings*: one observed asset for each section of the profile, so that a changed value makes its step stale."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from pcr_assets import digests
from pcr_assets.assets import first_weights
from pcr_assets.assets.declare import SETTINGS, observed
from pcr_assets.cards.settings import CalibrationSettings, SnapshotSettings
from pcr_assets.compute.settings import ComputeSettings, compute_settings
from pcr_assets.gallery.settings import ReportSettings
from pcr_assets.hailo.model_script import HailoSettings
from pcr_assets.learning.quantize_settings import QuantizeSettings
from pcr_assets.learning.settings import (
    OutlineFilterSettings,
    PrintingVerifierSettings,
    Stage1Settings,
    Stage2Settings,
    TeacherSettings,
    UndistilledSettings,
)
from pcr_assets.learning.spec import ModelSpec
from pcr_assets.project_records import price_table
from pcr_assets.project_records.settings import RecordsSettings
from pcr_assets.resources.hailo import HailoCompiler
from pcr_assets.resources.project import Project
from pcr_assets.serving.settings import ServingSettings
from pcr_assets.settings import Settings, Strict
from pcr_assets.trust.settings import TrustSettings


class Teacher(Strict):
    """The section ``teacher``, but for what is in ``spec``."""

    spec: dict[str, Any]
    settings: TeacherSettings


def check(settings: Settings, section: str | None = None) -> None:
    """Compare one section, or all, with the types that read them. Raises SettingsError.

    ``gates`` are checked when the profile is read.
    """

    kinds: dict[str, type] = {
        "snapshot": SnapshotSettings,
        "calibration": CalibrationSettings,
        "teacher": Teacher,
        "teacher.spec": ModelSpec,
        "student": ModelSpec,
        "stage1": Stage1Settings,
        "undistilled": UndistilledSettings,
        "stage2": Stage2Settings,
        "outline_filter": OutlineFilterSettings,
        "printing_verifier": PrintingVerifierSettings,
        "quantization": QuantizeSettings,
        "hailo": HailoSettings,
        "report": ReportSettings,
        "trust": TrustSettings,
        "records": RecordsSettings,
        "compute": ComputeSettings,
        "serving": ServingSettings,
    }
    for name, kind in kinds.items():
        if section in (None, name.partition(".")[0]):
            settings.check(name, kind)
    if section is None:
        compute_settings(settings)  # with what the environment says


def config_asset(
    section: str, about: str, weights: Callable[[dict[str, Any]], str] | None = None
) -> dg.AssetsDefinition:
    """The observed asset of one section; its data version is the digest of the section and, where ``weights`` says what a training
    starts from, of what these contain."""

    @observed(SETTINGS, kinds={"yaml"}, name=f"{section}_config", about=about)
    def observe(project: Project) -> dg.ObserveResult:
        settings = project.settings
        check(settings, section)
        chosen, version = settings.section(section), settings.digest(section)
        held = first_weights.content(project, weights(chosen)) if weights else ""
        return dg.ObserveResult(
            data_version=dg.DataVersion(digests.of_json([version, held]) if held else version),
            metadata={"settings": dg.MetadataValue.json(chosen), "profile": settings.source},
        )

    return observe


snapshot_config = config_asset("snapshot", "When the training snapshot moves, and how cards are split.")
calibration_config = config_asset("calibration", "How many cards calibrate the integer models, and which.")
student_config = config_asset(
    "student", "The student's architecture, input size and starting weights.", lambda student: student["weights"]
)
teacher_config = config_asset(
    "teacher",
    "The teacher's backbone, where its weights come from, and how it is trained.",
    lambda teacher: teacher["spec"]["weights"],
)
stage1_config = config_asset("stage1", "How the student is distilled from the teacher.")
undistilled_config = config_asset("undistilled", "Whether a student without a teacher is trained, to compare with.")
stage2_config = config_asset("stage2", "How the student is fine-tuned for retrieval.")
outline_filter_config = config_asset("outline_filter", "How the filter of outlines learns, and what it may lose.")
printing_verifier_config = config_asset(
    "printing_verifier", "How the verifier of printings learns, and how many cards it may refuse."
)
quantization_config = config_asset("quantization", "How the ONNX model becomes an integer model.")
report_config = config_asset("report", "Which queries judge a release, and what it must reach.")
serving_config = config_asset(
    "serving", "Which models are packed, registered and served by SageMaker: none, until asked."
)


@observed(SETTINGS, kinds={"yaml"})
def hailo_config(project: Project, hailo: HailoCompiler) -> dg.ObserveResult:
    """What the HEF is compiled for, and whether a compiler is installed: installing one makes `student_hef` stale."""
    check(project.settings, "hailo")
    settings = project.settings.section("hailo")
    state = hailo.available() or "installed"
    return dg.ObserveResult(
        data_version=dg.DataVersion(f"{project.settings.digest('hailo')[:32]}-{state == 'installed'}"),
        metadata={
            "settings": dg.MetadataValue.json(settings),
            "compiler": state,
            "profile": project.settings.source,
        },
    )


@observed(SETTINGS, kinds={"yaml"})
def records_config(project: Project) -> dg.ObserveResult:
    """What the project's records can't read from what was made: listed prices, recorded history, what cloud and edge cost."""

    check(project.settings, "records")
    settings = project.settings.section("records")
    return dg.ObserveResult(
        data_version=dg.DataVersion(price_table.digest(RecordsSettings(**settings))),
        metadata={"settings": dg.MetadataValue.json(settings), "profile": project.settings.source},
    )
