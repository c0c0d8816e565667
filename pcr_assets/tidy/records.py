"""What Dagster's records keep for good and nobody reads again: runs of long ago that only looked at sources.

Each plan and each refresh leaves one, a third of a megabyte in SQLite, and Dagster removes none by itself. Runs that built
something stay: their figures are the curves of an asset's page.
"""

import os
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES  # internal, dagster 1.13

from pcr_assets.planner.execution import OBSERVE, WHAT
from pcr_assets.tidy.found import DAY, Keep, Leaving

DECLARATIVE = {"pcr/launcher": "declarative"}
"""Runs that the sensor ``content_changes`` asks for: those that only look are known by what they were asked for."""
PAGE = 500


def recorded() -> bool:
    """Whether this machine has, or is told of, records: nothing is made by asking."""
    return Path(os.environ.get("DAGSTER_HOME") or "/nowhere", "dagster.yaml").is_file()


def old_looks(instance: dg.DagsterInstance, sources: Collection[dg.AssetKey], keep: Keep) -> Iterator[Leaving]:
    """Runs that ended so many days ago and only looked at ``sources``, but for the last look at each: by it assets are stale."""
    last = {record.run_id for key in sources for record in instance.fetch_observations(key, limit=1).records}
    before = datetime.fromtimestamp(keep.now - keep.record_days * DAY, UTC)
    for tags in ({WHAT: OBSERVE}, DECLARATIVE):
        ended = dg.RunsFilter(tags=tags, statuses=FINISHED_STATUSES, updated_before=before)
        for record in _pages(instance, ended):
            run, asked = record.dagster_run, record.dagster_run.asset_selection or set()
            looked = tags is not DECLARATIVE or (asked and asked <= set(sources))
            if looked and run.run_id not in last:
                yield Leaving(
                    "record of a look",
                    f"over {keep.record_days:g} days ago, and not the last one at any source",
                    _size(instance, run.run_id),
                    record.update_timestamp.timestamp(),
                    remove=partial(_remove, instance, run.run_id),
                )


def _pages(instance: dg.DagsterInstance, which: dg.RunsFilter) -> Iterator[Any]:
    """The records of these runs, the newest first."""
    found = instance.get_run_records(which, limit=PAGE)
    while found:
        yield from found
        found = instance.get_run_records(which, limit=PAGE, cursor=found[-1].dagster_run.run_id)


def _size(instance: dg.DagsterInstance, run_id: str) -> int:
    """Bytes of the file that a run has to itself in SQLite; 0 where it has none."""
    where = getattr(instance.event_log_storage, "path_for_shard", None)
    file = Path(where(run_id)) if where else None
    return file.stat().st_size if file and file.is_file() else 0


def _remove(instance: dg.DagsterInstance, run_id: str) -> None:
    instance.delete_run(run_id)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
