"""Runs of the planner: observing sources, building a wave, asking checks; each is one Dagster run in this process.

Every run carries the tag ``pcr/launcher: stale``. Dagster's own console output is off: whoever called is told of each
event as it happens.
"""

import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from dagster._core.execution.plan.objects import ErrorSource  # internal, dagster 1.13
from dagster._core.storage.dagster_run import (  # internal, dagster 1.13
    CANCELABLE_RUN_STATUSES,
    IN_PROGRESS_RUN_STATUSES,
    NOT_FINISHED_STATUSES,
)
from dagster._utils.error import SerializableErrorInfo  # internal, dagster 1.13

from pcr_assets.assets.declare import OURS
from pcr_assets.planner.lock import forget_the_dead, lives, living

TAGS = {"pcr/launcher": "stale"}
JOB_TAGS = {"pcr/launcher": "job"}
"""Of a run of a job such as ``refresh``, whose waves are runs of their own."""
BEGINNING_SECONDS = 30
"""A run of a job that began so lately may not have come to its step, which says that it lives."""
HOST = "pcr/host"
WHAT, OBSERVE = "pcr/what", "observe"
SHORT_TEXT = 60
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

_SHORT = (dg.IntMetadataValue, dg.FloatMetadataValue, dg.BoolMetadataValue, dg.TextMetadataValue)


@dataclass(frozen=True)
class Event:
    """What happened to an asset.

    ``observing`` (a source), ``started``, ``built``, ``failed``, or a check ``passed``, ``warned`` of or ``refused`` it.
    """

    kind: str
    asset: dg.AssetKey
    text: str = ""
    """What went wrong in one line, or the check and what it said."""
    seconds: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """The numbers and short texts of the materialization."""
    traceback: str = ""
    """Empty when the text says it all: the traceback of such an error is in Dagster's log alone."""


OnEvent = Callable[[Event], None]


@dataclass(frozen=True)
class Failure:
    """An asset that could not be built or observed, and its error in one line."""

    asset: dg.AssetKey
    error: str

    def __str__(self) -> str:
        return f"{self.asset.to_user_string()} failed: {self.error}"


def bury_the_dead(instance: dg.DagsterInstance, job_run: str = "") -> int:
    """Close the runs that a killed refresh left open; gives how many. Call it under the lock: then the waves that it keeps out are
    all dead, whatever their machine was called then, but for a plan's observation, which needs no lock and says itself that it
    lives.

    Dagster can't know that an in-process run died, nor a job's run that went down with its code server. It would show it as
    running for ever, and the run would keep its slot in a pool and in the queue: the next one would wait for ever too.
    ``job_run`` is the run of the job that this refresh is part of. Other runs of jobs may live: they wait for the lock, or began
    just now.
    """
    waves = instance.get_runs(dg.RunsFilter(tags=TAGS, statuses=NOT_FINISHED_STATUSES))
    waves = [run for run in waves if run.tags.get(WHAT) != OBSERVE or not lives(instance, run.run_id)]
    begun = dg.RunsFilter(
        tags=JOB_TAGS,
        statuses=IN_PROGRESS_RUN_STATUSES,
        updated_before=datetime.now(UTC) - timedelta(seconds=BEGINNING_SECONDS),
    )
    jobs = [run for run in instance.get_runs(begun) if run.run_id != job_run and not lives(instance, run.run_id)]
    forget_the_dead(instance)
    return _bury(instance, [*waves, *jobs], "The refresh that this run belonged to was killed.")


def bury_dead_observations(instance: dg.DagsterInstance) -> int:
    """Close the observations of plans that were killed; gives how many. It needs no lock, for one that lives says so.

    Two of them would keep all the places of the queue, and the refresh that closes them would wait for one.
    """
    open_ones = instance.get_runs(dg.RunsFilter(tags={**TAGS, WHAT: OBSERVE}, statuses=NOT_FINISHED_STATUSES))
    dead = [run for run in open_ones if not lives(instance, run.run_id)]
    return _bury(instance, dead, "The plan or the refresh that this observation belonged to was killed.")


def _bury(instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun], why: str) -> int:
    for run in runs:
        instance.report_run_failed(run, why)
        if instance.event_log_storage.supports_global_concurrency_limits:
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return len(runs)


def execute(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    assets: Iterable[dg.AssetKey],
    on_event: OnEvent,
    *,
    checks: Iterable[dg.AssetCheckKey] | None = None,
    tags: Mapping[str, str] | None = None,
) -> list[Failure]:
    """Materialize (or observe) ``assets`` in one run, with all their checks; or ask ``checks`` alone.

    Steps that don't depend on a failed one still run. Returns the assets that failed, each with its error.
    """
    assets = sorted(assets)
    job = defs.resolve_implicit_job_def_def_for_assets(assets)
    if job is None:
        raise ValueError("these definitions hold no assets")
    if checks is not None:
        job = job.get_subset(asset_selection=set(), asset_check_selection=set(checks))
    listener = _Listener(defs, instance, on_event)
    made = defs.resolve_asset_graph().materializable_asset_keys
    what = "check" if checks is not None else "build" if made & set(assets) else OBSERVE
    run_id = str(uuid.uuid4())
    instance.add_event_listener(run_id, listener)
    with living(instance, run_id) if what == OBSERVE else nullcontext(), _listening() as asked_to_stop:
        result = job.execute_in_process(
            run_config=QUIET,
            instance=instance,
            asset_selection=None if checks is not None else assets,
            raise_on_error=False,
            run_id=run_id,
            tags={**TAGS, HOST: socket.gethostname(), WHAT: what, **(tags or {})},
        )
        if listener.interrupted or result.dagster_run.status is dg.DagsterRunStatus.CANCELED or asked_to_stop():
            raise KeyboardInterrupt
    if result.success or listener.failures or listener.refused:
        return listener.failures
    return [Failure(asset, listener.last_error or f"run {run_id} failed before its first step") for asset in assets]


@contextmanager
def _listening() -> Iterator[Callable[[], bool]]:
    """Whether somebody asked this process to stop since: Dagster forgets who does while it writes down the end of a run, and
    Python whom it told within a callback that may raise nothing. The refresh would go on, for hours maybe."""
    if threading.current_thread() is not threading.main_thread():  # signals are told to that one
        yield lambda: False
        return
    heard, told = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)

    def asked_to_stop() -> bool:
        with suppress(BlockingIOError):
            return not {signal.SIGINT, signal.SIGTERM}.isdisjoint(os.read(heard, 4096))
        return False

    try:
        yield asked_to_stop
    finally:
        signal.set_wakeup_fd(before)
        os.close(heard)
        os.close(told)


class _Listener:
    """Turns Dagster's log entries of one run into events, as they are written."""

    def __init__(self, defs: dg.Definitions, instance: dg.DagsterInstance, on_event: OnEvent):
        self.instance = instance
        self.on_event = on_event
        self.failures: list[Failure] = []
        self.refused: set[str] = set()
        self.last_error = ""
        self.interrupted = False
        self._started: dict[str, float] = {}
        made_here = [made for made in defs.resolve_asset_graph().assets_defs if made.is_executable]
        self._steps = {made.node_def.name: (sorted(made.keys), sorted(made.check_keys)) for made in made_here}
        self._observing = {made.node_def.name for made in made_here if made.is_observable}

    def __call__(self, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None:
            return
        if event.is_job_failure:
            self.last_error = _in_a_line(event.job_failure_data.error)
        step = event.step_key
        if step is None or step not in self._steps:
            return
        assets, checks = self._steps[step]
        if event.is_step_start:
            self._started[step] = time.perf_counter()
            kind = "observing" if step in self._observing else "started"
            for asset in assets:
                self.on_event(Event(kind, asset))
        elif event.is_step_materialization and event.asset_key:
            made = event.step_materialization_data.materialization
            self.on_event(Event("built", event.asset_key, seconds=self._seconds(step), metadata=_plain(made.metadata)))
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            self._judge(step, event.asset_check_evaluation_data)
        elif event.is_step_failure and step not in self.refused:
            data = event.step_failure_data
            if data.error_source is ErrorSource.INTERRUPT:
                self._interrupted(entry.run_id)
                return
            said = data.user_failure_data.description if data.user_failure_data else None
            text = said or _in_a_line(data.error)
            trace = "" if said or _is_sentence(data.error) else _own_frames(data.error)
            for asset in assets:
                self._fail(asset, step, text, trace)
            for check in checks if not assets else []:
                self._fail(check.asset_key, step, f"its check {check.name} broke: {text}", trace)

    def _interrupted(self, run_id: str) -> None:
        """Ask for the run's end, as *Terminate* does: Dagster shows as failed what is interrupted and nobody asked to."""
        self.interrupted = True
        run = self.instance.get_run_by_id(run_id)
        if run and run.status in CANCELABLE_RUN_STATUSES:
            self.instance.report_run_canceling(run, "The refresh that this run belongs to was stopped.")

    def _judge(self, step: str, found: dg.AssetCheckEvaluation) -> None:
        refuses = not found.passed and found.severity is dg.AssetCheckSeverity.ERROR
        if refuses and found.blocking:
            self.refused.add(step)
        text = f"{found.check_name}: {found.description}" if found.description else found.check_name
        kind = "refused" if refuses else "passed" if found.passed else "warned"
        self.on_event(Event(kind, found.asset_key, text, metadata=_plain(found.metadata)))

    def _fail(self, asset: dg.AssetKey, step: str, text: str, trace: str) -> None:
        self.failures.append(Failure(asset, text))
        self.on_event(Event("failed", asset, text, seconds=self._seconds(step), traceback=trace))

    def _seconds(self, step: str) -> float | None:
        return time.perf_counter() - self._started[step] if step in self._started else None


def _own_frames(error: SerializableErrorInfo | None) -> str:
    """The traceback without Dagster's frames."""
    if error is None:
        return ""
    root = _root(error)
    frames = [frame for frame in root.stack if "/dagster/_" not in frame]
    return "".join(["Traceback (most recent call last):\n", *frames, root.message])


def _root(error: SerializableErrorInfo) -> SerializableErrorInfo:
    """The asset's own error below Dagster's wrapping, without what caused it in turn: that is its author's affair."""
    wrapped = (error.cls_name or "").startswith("Dagster") and error.cause is not None
    return _root(error.cause) if wrapped and error.cause else error


def _is_sentence(error: SerializableErrorInfo | None) -> bool:
    return error is not None and _root(error).message.startswith(OURS)


def _in_a_line(error: SerializableErrorInfo | None) -> str:
    """The sentence of an error of ours; ``ValueError: boom`` for ``some.module.ValueError: …boom``."""
    if error is None:
        return "no error was recorded"
    root = _root(error)
    lines = [line.strip() for line in root.message.strip().splitlines() if line.strip()]
    if not lines:
        return root.cls_name or "an error without words"
    kind, colon, rest = lines[0].partition(":")
    if _is_sentence(error) and rest:
        return " ".join([rest.strip(), *lines[1:]])
    first = f"{kind.rpartition('.')[2]}{colon}{rest}"
    return first if len(lines) == 1 else lines[-1]


def _plain(metadata: Mapping[str, dg.MetadataValue]) -> dict[str, Any]:
    """The metadata that fits in a line: numbers, truth values and short texts."""
    plain = {name: value.value for name, value in metadata.items() if isinstance(value, _SHORT)}
    return {name: value for name, value in plain.items() if not isinstance(value, str) or len(value) <= SHORT_TEXT}
