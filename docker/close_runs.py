"""Close the runs that died with the last container of the code location; it may not have started its server yet.

Dagster can't know that they died: they would count as running, and hold their places in the queue for ever.
"""

import json
import sys

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES  # internal, dagster 1.13
from dagster._core.storage.tags import GRPC_INFO_TAG  # internal, dagster 1.13

from pcr_assets.planner.execution import HOST


def close_runs(instance: dg.DagsterInstance, host: str) -> int:
    """Close the open runs that were launched on ``host``, and the waves that those ran. Returns how many there were."""
    closed = 0
    for run in instance.get_runs(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES)):
        launched_on = json.loads(run.tags.get(GRPC_INFO_TAG, "{}")).get("host")
        if host in {launched_on, run.tags.get(HOST)}:
            instance.report_run_failed(run, "The container that ran this was stopped.")
            closed += 1
    return closed


if __name__ == "__main__":
    with dg.DagsterInstance.get() as opened:
        print(f"closed {close_runs(opened, sys.argv[1])} runs that died with the last container")
