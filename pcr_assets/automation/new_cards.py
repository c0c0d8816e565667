"""The sensor ``new_cards``: card scans that came, changed or went start a refresh, once for each content.

Without a queue, each tick lists the raw folder; a very large one over several ticks. With one (``PCR_SQS_QUEUE``), the queue
says when and where to look, and the listing what is there: the two can't ask for the same content twice, for they are one
sensor with one cursor.

A set that stood still is asked for while others still arrive: assets are built of whatever is there, set by set, and the
others are asked for when they are complete.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import wraps

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES  # internal, dagster 1.13
from dagster._core.storage.tags import SENSOR_NAME_TAG  # internal, dagster 1.13

from pcr_assets.assets.declare import OURS
from pcr_assets.automation.inbox import Inbox
from pcr_assets.automation.memory import Memory
from pcr_assets.automation.raw_folder import Look, RawFolder
from pcr_assets.automation.refresh_job import OP, RefreshConfig
from pcr_assets.automation.watch import Watch
from pcr_assets.cards.catalogue import FILE
from pcr_assets.resources.project import Project

NAME = "new_cards"
REQUEST, MEMORY = "pcr/request", ".dagster/pcr_memory"
"""Tags of a run: which request it answers, and the cursor that follows from it (hidden in the UI)."""
SHOWN_SETS = 8
LISTED_SETS = 200


class TickError(dg.DagsterError):
    """Why a tick ended, in a sentence. Any other error Dagster wraps in one of its own, with which its pages and the daemon's log
    then begin."""


Tick = dg.SensorResult | dg.SkipReason


def _in_a_sentence(
    look: Callable[[dg.SensorEvaluationContext, Project], Tick],
) -> Callable[[dg.SensorEvaluationContext, Project], Tick]:
    @wraps(look)
    def telling(context: dg.SensorEvaluationContext, project: Project) -> Tick:
        try:
            return look(context, project)
        except Exception as error:
            if not type(error).__module__.startswith(OURS):
                raise
            said = str(error)
        raise TickError(said)  # out of the handler: with what caused it Dagster would show two tracebacks

    return telling


def new_cards_sensor(
    job: dg.JobDefinition,
    *,
    watch: Watch | None = None,
    clock: Callable[[], float] = time.time,
    every_seconds: int = 30,
) -> dg.SensorDefinition:
    """Ask for a run of ``job`` when card scans were added, replaced or deleted, and their set stood still for long enough.

    ``watch`` defaults to the environment. While a refresh is queued or running, nothing is asked. A daemon that dies at any
    point asks for nothing twice: a run carries the cursor that follows from it, and the next tick takes it up.
    """
    inboxes: dict[str, Inbox] = {}

    @dg.sensor(
        name=NAME,
        job=job,
        minimum_interval_seconds=every_seconds,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="New, changed or deleted card scans start a refresh when their set has been quiet for a while.",
    )
    @_in_a_sentence
    def new_cards(context: dg.SensorEvaluationContext, project: Project) -> Tick:
        settings = watch or Watch.of_environment()
        before, now = Memory.of_text(context.cursor), clock()
        folder = RawFolder(project)
        memory = before.as_of(now)
        if settings.queue:
            inbox = inboxes.setdefault(settings.queue, Inbox(settings.queue))
            memory = _told(context, inbox, folder, memory, now)
        ripe = memory.ripe(now, settings)
        busy = bool(ripe or memory.partly) and _under_way(context.instance, job)
        overdue = not memory.listed or now - memory.listed >= settings.list_seconds
        all_of_it = not settings.queue or memory.partly or overdue
        if not all_of_it and (busy or not ripe):
            return _waiting(before, memory, _reason(memory, settings, busy, folder.root))
        look = None if all_of_it or FILE in ripe else folder.glance(memory, settings, now, ripe)
        look = look or folder.look(memory, settings, now, ask=not busy)
        if not look.due:
            return _waiting(before, look.memory, _reason(look.memory, settings, busy, folder.root))
        if further := _memory_of_a_run(context.instance, memory.requests):
            return _waiting(
                before, further, "the cursor was lost after the last request: going on from the run it started"
            )
        return _asked(look)

    return new_cards


def _told(context: dg.SensorEvaluationContext, inbox: Inbox, folder: RawFolder, memory: Memory, now: float) -> Memory:
    """What the queue says since the last tick is remembered; what was remembered then is deleted from the queue."""
    inbox.confirm(memory.received)
    batch, told = inbox.drain(context.log.warning)
    if not batch:
        return memory
    return replace(memory.hinted(folder.groups_of(told, memory.grouped), now), received=batch)


def _under_way(instance: dg.DagsterInstance, job: dg.JobDefinition) -> bool:
    return instance.get_runs_count(dg.RunsFilter(job_name=job.name, statuses=NOT_FINISHED_STATUSES)) > 0


def _memory_of_a_run(instance: dg.DagsterInstance, requests: int) -> Memory | None:
    """The memory that the sensor's last run carries, when it answers a later request than the cursor knows of."""
    runs = instance.get_runs(dg.RunsFilter(tags={SENSOR_NAME_TAG: NAME}), limit=1)
    found = Memory.of_text(runs[0].tags.get(MEMORY)) if runs else Memory()
    return found if found.requests > requests else None


def _waiting(before: Memory, memory: Memory, reason: str) -> Tick:
    if memory == before:
        return dg.SkipReason(reason)
    return dg.SensorResult(skip_reason=reason, cursor=memory.as_text())


def _reason(memory: Memory, watch: Watch, busy: bool, root: str) -> str:
    if memory.partly:
        return f"{memory.partly.scans:,} card scans were listed so far: the next tick goes on"
    if not memory.moving:
        if not memory.asked:
            return f"there are no card scans in {root}"
        return "no card scan changed since the last refresh was asked for"
    said = f"{_few(memory.moving, memory.grouped)} changed: "
    return said + (
        "a refresh is under way, the next is asked for after it"
        if busy
        else f"waiting until quiet for {watch.quiet_seconds:g} s, at most {watch.most_seconds:g} s"
    )


def _few(sets: Iterable[str], grouped: bool = False) -> str:
    """``base1, base2 and 10 more sets``"""
    names = sorted(sets)
    if grouped:
        return f"sets of {len(names)} groups"
    more = len(names) - SHOWN_SETS
    return ", ".join(names[:SHOWN_SETS]) + (f" and {more} more sets" if more > 0 else "")


def _asked(look: Look) -> dg.SensorResult:
    memory = look.memory.asking(look.due)
    arrived = dict(list(look.arrived.items())[:LISTED_SETS])
    if (more := len(look.arrived) - LISTED_SETS) > 0:
        arrived["…"] = f"and {more} more sets"
    tags = {
        "pcr/sets": _few(look.arrived),
        **{f"pcr/{what}": str(count) for what, count in look.counts.items()},
        REQUEST: str(memory.requests),
        MEMORY: memory.as_text(),
    }
    request = dg.RunRequest(
        run_key=f"{memory.requests}-{memory.content}",
        run_config=dg.RunConfig(ops={OP: RefreshConfig(arrived=arrived)}),
        tags=tags,
    )
    return dg.SensorResult(run_requests=[request], cursor=memory.as_text())
