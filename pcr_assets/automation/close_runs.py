"""``python -m pcr_assets.automation.close_runs``: close runs that died with the last ``dagster dev``, or with a refresh in a shell;
``make dev`` begins so.

Dagster's daemon can't know that they died, after a loss of power say, and counts them as running for ever: the next run would wait
for their places in the queue, and the sensor would ask for none.
"""

import argparse
import json
import socket
import sys
from collections.abc import Sequence

import dagster as dg
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES  # internal, dagster 1.13
from dagster._core.storage.tags import GRPC_INFO_TAG  # internal, dagster 1.13

from edge_runtime.terminal import counted
from pcr_assets.planner.execution import bury_the_dead
from pcr_assets.planner.lock import lives, only_refresh, spans_machines
from pcr_assets.refresh.refusals import open_home, tell


def close_runs(instance: dg.DagsterInstance) -> int:
    """Close the open runs that a code server of this machine began which is gone, and what refreshes and plans in a shell left that
    were killed. Gives how many there were.

    Closes none where several machines share the records: there another one's server looks as if it were gone.
    """
    if spans_machines(instance):
        return 0
    with only_refresh(instance) as free:  # else somebody refreshes: that one has closed them
        closed = bury_the_dead(instance) if free else 0
    for run in instance.get_runs(dg.RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES)):
        server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}")).get("socket")
        if server and not _answers(server) and not lives(instance, run.run_id):
            instance.report_run_failed(run, "The code server that began this run is gone.")
            closed += 1
    return closed


def _answers(server: str) -> bool:
    """Whether somebody listens at a socket in the file system."""
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(server)
        except OSError:
            return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Close them, and say how many there were."""
    argparse.ArgumentParser(
        prog="python -m pcr_assets.automation.close_runs",
        description="Close runs that died with the last `dagster dev`; `make dev` begins so.",
    ).parse_args(arguments)
    try:
        with open_home() as opened:
            count = close_runs(opened)
    except Exception as error:
        return tell(error)
    if count:
        print(f"closed {counted(count, 'run')} whose process is gone", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
