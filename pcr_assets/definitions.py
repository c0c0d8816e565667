"""The code location: the one place where assets, checks, resources, jobs and sensors meet."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from pcr_assets.assets import (
    cards,
    dataset,
    edge_networks,
    exports,
    feedback,
    models,
    project,
    reference,
    release,
    report,
    serving,
    settings,
)
from pcr_assets.automation.declarative import automated, content_changes
from pcr_assets.automation.new_cards import new_cards_sensor
from pcr_assets.automation.pipelines import described, pipeline_jobs_for
from pcr_assets.automation.refresh_job import refresh_job_for
from pcr_assets.automation.renewal import renew_nightly, renew_trust
from pcr_assets.checks import CHECKS
from pcr_assets.compute.resource import Compute
from pcr_assets.resources.hailo import HailoCompiler
from pcr_assets.resources.project import Project
from pcr_assets.resources.signing import ReleaseSigner

FLOORS = [
    settings,
    cards,
    dataset,
    models,
    edge_networks,
    exports,
    reference,
    report,
    release,
    feedback,
    serving,
    project,
]


def every_asset() -> list[Any]:
    """The assets of all floors, and the record of the pipelines, which are made of these."""
    return [*dg.load_assets_from_modules(FLOORS), project.pipelines_for(lambda: described(project_definitions()))]


def build_defs(resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """The definitions, with some resources replaced: tests and commands build theirs here too."""
    refresh = refresh_job_for(project_definitions)
    opened = (resource_overrides or {}).get("project", Project())
    resources = {
        "project": opened,
        "compute": Compute(project=opened),
        "hailo": HailoCompiler(),
        "signer": ReleaseSigner(project=opened),
    }
    return dg.Definitions(
        assets=automated(every_asset()),
        asset_checks=CHECKS,
        resources={**resources, **(resource_overrides or {})},
        jobs=[refresh, *pipeline_jobs_for(project_definitions), renew_trust],
        schedules=[renew_nightly],
        sensors=[new_cards_sensor(refresh), content_changes],
        executor=dg.in_process_executor,
    )


def project_definitions() -> dg.Definitions:
    """The project's own, as a run of one of their jobs finds them."""
    return defs


defs = build_defs()
