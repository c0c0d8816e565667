"""A code location for a daemon of its own: two assets, the sensor with a short quiet time, and the refresh job.

Its folders come from the environment, as the project's own do. Every run of ``cards`` is noted in ``runs.txt`` of the store.
"""

import os
from pathlib import Path

import dagster as dg

from pcr_assets import digests
from pcr_assets.assets.declare import asset, materialized, observed
from pcr_assets.automation.declarative import automated
from pcr_assets.automation.new_cards import new_cards_sensor
from pcr_assets.automation.refresh_job import refresh_job_for
from pcr_assets.automation.watch import Watch
from pcr_assets.resources.project import Project


@observed("small", kinds=set())
def raw_cards(project: Project) -> dg.ObserveResult:
    """The names in the raw folder."""
    names = [entry.key for entry in project.open(project.raw_root).list()]
    return dg.ObserveResult(data_version=dg.DataVersion(digests.of_json(names)))


@asset("small", "cards", deps=[raw_cards], kinds=set(), code_version="1")
def cards(project: Project) -> dg.MaterializeResult:
    """The same, as an artifact."""
    names = " ".join(entry.key for entry in project.open(project.raw_root).list())
    with Path(os.environ["PCR_STORE"], "runs.txt").open("a") as file:
        file.write(f"{names}\n")
    return materialized(project.artifacts.publish("cards", {"names": names.encode()}, digest=digests.of_json(names)))


def build() -> dg.Definitions:
    """The small graph."""
    return dg.Definitions(automated([raw_cards, cards]), resources={"project": Project()})


job = refresh_job_for(build)
sensor = new_cards_sensor(job, watch=Watch(quiet_seconds=1, most_seconds=60), every_seconds=1)
# As if a person had turned it on, which takes a process of its own.
sensor._default_status = dg.DefaultSensorStatus.RUNNING
defs = dg.Definitions.merge(build(), dg.Definitions(jobs=[job], sensors=[sensor]))
