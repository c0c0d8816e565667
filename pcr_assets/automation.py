"""What starts a refresh without a person typing: the UI's job, the sensor on new scans, and a declarative condition.

All of them end in :func:`pcr_assets.planner.run`. Nothing here is on by default: whoever owns the machine turns it on.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES  # internal, dagster 1.13

from pcr_assets.resources.project import Project
from pcr_assets.resources.store import Entry

if TYPE_CHECKING:
    from pcr_assets.planner import Event

QUIET_SECONDS = 120
_CONDITION = dg.AutomationCondition

content_changed = (
    (  # type: ignore[misc]  # dagster annotates the conditions on code more narrowly than it combines them
        _CONDITION.any_deps_match(_CONDITION.data_version_changed())
        | _CONDITION.code_version_changed()
        | _CONDITION.newly_missing()
    ).since_last_handled()
    & ~_CONDITION.any_deps_missing()
    & ~_CONDITION.any_deps_in_progress()
    & ~_CONDITION.in_progress()
).with_label("content_changed")
"""Run an asset when its code or the content of an input changed: ``eager`` would also follow rebuilds to equal content.

A condition sees changes between two ticks of the daemon, not what was stale before the first; the planner sees both.
"""


class RefreshConfig(dg.Config):
    """``select``: a Dagster selection, such as ``+card_index``."""

    select: str = "*"


def refresh_job_for(build: Callable[[], dg.Definitions]) -> dg.JobDefinition:
    """The job ``refresh`` over the definitions that ``build`` makes; its waves appear in the UI as runs of their own."""

    @dg.op(name="refresh_stale", description="Build everything stale, in waves, and nothing else.")
    def refresh_stale(context: dg.OpExecutionContext, config: RefreshConfig) -> None:
        from pcr_assets import planner
        from pcr_assets.console import line

        def log(event: "Event") -> None:
            tell = context.log.error if event.kind in {"failed", "refused"} else context.log.info
            tell(line(event))

        defs = build()
        outcome = planner.run(
            defs,
            context.instance,
            config.select,
            planner.published_in(defs),
            on_event=log,
            tags={"pcr/refresh": context.run_id},
        )
        if outcome.ending is not planner.Ending.SETTLED:
            raise dg.Failure(str(outcome), metadata={"exit code": int(outcome.ending)}, allow_retries=False)
        context.log.info(str(outcome))

    @dg.job(
        name="refresh",
        description="Build everything stale, in waves, and nothing else: the same as `make refresh`.",
        executor_def=dg.in_process_executor,
        tags={"pcr/launcher": "job"},
    )
    def refresh() -> None:
        refresh_stale()

    return refresh


def _project() -> dg.Definitions:
    from pcr_assets.definitions import build_defs

    return build_defs()


refresh_job = refresh_job_for(_project)


@dataclass(frozen=True)
class Seen:
    """The sensor's cursor: what it last saw, since when that stands still, what it last asked for, and how often it asked."""

    listing: str = ""
    since: float = 0.0
    requested: str = ""
    requests: int = 0


def listing_digest(entries: Iterable[Entry]) -> str:
    """The digest of a listing (keys, sizes, etags), or ``""`` when it is empty. Nothing is downloaded."""
    digest, empty = hashlib.sha256(), True
    for entry in entries:
        digest.update(f"{entry.key}\0{entry.size}\0{entry.etag}\n".encode())
        empty = False
    return "" if empty else digest.hexdigest()


def new_cards_sensor(
    job: dg.JobDefinition = refresh_job,
    *,
    quiet_seconds: float = QUIET_SECONDS,
    clock: Callable[[], float] = time.time,
) -> dg.SensorDefinition:
    """Ask for a refresh when card scans were added, replaced or deleted and nothing moved for ``quiet_seconds``.

    Each state of the raw folder is asked for once; a crash before the cursor is saved asks again under the same run key,
    which Dagster drops. While a refresh is queued or running, nothing is asked.
    """

    @dg.sensor(
        name="new_cards",
        job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=f"New, changed or deleted card scans start a refresh after {quiet_seconds:g} quiet seconds.",
    )
    def new_cards(context: dg.SensorEvaluationContext, project: Project) -> dg.SensorResult | dg.SkipReason:
        seen = Seen(**json.loads(context.cursor)) if context.cursor else Seen()
        listing, now = listing_digest(project.open(project.raw_root).list()), clock()
        if not listing:
            return dg.SkipReason(f"there are no card scans in {project.raw_root}")
        if listing != seen.listing:
            moved = Seen(listing, now, seen.requested, seen.requests)
            return dg.SensorResult(
                skip_reason=f"card scans changed: waiting {quiet_seconds:g} s for more",
                cursor=json.dumps(asdict(moved)),
            )
        if listing == seen.requested:
            return dg.SkipReason("no card scan changed since the last refresh was asked for")
        if now - seen.since < quiet_seconds:
            return dg.SkipReason(f"quiet for {now - seen.since:.0f} of {quiet_seconds:g} s")
        if context.instance.get_runs_count(dg.RunsFilter(job_name=job.name, statuses=NOT_FINISHED_STATUSES)):
            return dg.SkipReason("a refresh is under way: this change is asked for after it")
        asked = Seen(listing, seen.since, listing, seen.requests + 1)
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=f"{asked.requests}-{listing}")], cursor=json.dumps(asdict(asked))
        )

    return new_cards


new_cards = new_cards_sensor()
