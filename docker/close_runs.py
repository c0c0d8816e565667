"""Close the runs that died with the last container of the code location; it may not have started its server yet.

Dagster can't know that they died: they would count as running, and hold their places in the queue for ever.
"""

import json
import sys

import dagster as dg
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES  # internal, dagster 1.13
from dagster._core.storage.tags import GRPC_INFO_TAG  # internal, dagster 1.13

from pcr_assets.planner.execution import HOST


def close_runs(instance: dg.DagsterInstance, host: str) -> int:
    """Close the runs that had begun on ``host``, and the waves that those ran. Returns how many there were.

    What waits in the queue stays there: it is launched in the new container.
    """
    closed = 0
    for run in instance.get_runs(dg.RunsFilter(statuses=[*IN_PROGRESS_RUN_STATUSES, dg.DagsterRunStatus.NOT_STARTED])):
        launched_on = json.loads(run.tags.get(GRPC_INFO_TAG, "{}")).get("host")
        if host in {launched_on, run.tags.get(HOST)}:
            instance.report_run_failed(run, "The container that ran this was stopped.")
            closed += 1
    return closed


if __name__ == "__main__":
    with dg.DagsterInstance.get() as opened:
        print(f"closed {close_runs(opened, sys.argv[1])} runs that died with the last container")
