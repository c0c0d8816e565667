"""The pipelines: parts of the graph under names of their own, to be launched in the UI or by ``dagster job execute -j NAME``.

Each is the job ``refresh`` over a selection: what is stale in it is built, in waves, and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dagster as dg

from pcr_assets.automation.refresh_job import refresh_job_for


@dataclass(frozen=True)
class Pipeline:
    """A name, a Dagster selection (what stands above it is built too), and what it is for."""

    name: str
    select: str
    about: str


PIPELINES = (
    Pipeline(
        "training_pipeline",
        '+key:"student_stage2" or +key:"student_undistilled" or +key:"outline_filter" or +key:"printing_verifier"',
        "From scans to trained models: cards, the training snapshot, the teacher, both stages of the student, the edge's own.",
    ),
    Pipeline(
        "inference_pipeline",
        '+key:"card_index" or +key:"inference_endpoint"',
        "From models to answers in the cloud: exports, the gallery, model packages, the registry, and the endpoint if asked for.",
    ),
    Pipeline(
        "edge_deployment_pipeline",
        '+key:"edge_release"',
        "From models to devices: exports, the HEF, gallery and reference pictures, the report with its gates, the signed release.",
    ),
)


def pipeline_jobs_for(build: Callable[[], dg.Definitions]) -> list[dg.JobDefinition]:
    """A job for each pipeline, over the definitions that ``build`` gives when a run begins."""
    return [refresh_job_for(build, name=each.name, select=each.select, about=each.about) for each in PIPELINES]


def described(defs: dg.Definitions) -> list[dict[str, Any]]:
    """What each pipeline builds, as :func:`pcr_assets.project_records.pipelines.describe` tells of one."""
    from pcr_assets.project_records.pipelines import describe

    return [describe(defs, each.name, each.select, each.about) for each in PIPELINES]
