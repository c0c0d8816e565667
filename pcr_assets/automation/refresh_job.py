"""The job ``refresh``: what the UI's launchpad, the sensor and a schedule start. It ends in :func:`pcr_assets.planner.run`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

if TYPE_CHECKING:
    from pcr_assets.planner import Event, Plan

OP = "refresh_stale"
ASK_AGAIN_SECONDS = 5.0
"""How often a job that waits for another refresh looks whether that one is over."""


class RefreshConfig(dg.Config):
    """What the launchpad asks for; it shows the descriptions."""

    select: str = Field(default="*", description="A Dagster selection, such as +card_index or group:models; * is all.")
    arrived: dict[str, str] = Field(
        default_factory=dict, description="Which card sets changed, and how: filled in by the sensor new_cards."
    )


@cache
def refresh_op_for(build: Callable[[], dg.Definitions]) -> dg.OpDefinition:
    """The one step of a job, over the definitions that ``build`` makes: once, for Dagster takes no two steps of one name.

    It waits for a refresh that runs already, in a shell say: that one may have looked before the cards came.
    """

    @dg.op(name=OP, description="Build everything stale, in waves, and nothing else.")
    def refresh_stale(context: dg.OpExecutionContext, config: RefreshConfig) -> None:
        from pcr_assets import planner
        from pcr_assets.planner.lock import living
        from pcr_assets.refresh.console import Telling, line
        from pcr_assets.refresh.refusals import told, what_is_unrecorded, what_is_unsigned

        levels = {"failed": context.log.error, "refused": context.log.error, "warned": context.log.warning}
        telling = Telling()

        def log(event: "Event") -> None:
            if event.kind != "observing":  # sources are observed in silence, as on the console
                levels.get(event.kind, context.log.info)(line(telling.once(event)))

        def warn(plan: "Plan") -> None:
            if said := what_is_unsigned(defs, plan.due):
                context.log.warning(said)

        with in_a_sentence(), living(context.instance, context.run_id):
            for set_id, change in config.arrived.items():
                context.log.info(f"{set_id}: {change}")
            defs, tags = build(), {"pcr/refresh": context.run_id}
            if profile := _checked(defs, config.select):  # a UI goes on with its own, whatever a shell chose since
                context.log.info(f"profile   {profile}")
            published, waiting = planner.published_in(defs, context.instance), False
            run = partial(
                planner.run, defs, context.instance, config.select, published, on_event=log, on_plan=warn, tags=tags
            )
            if said := what_is_unrecorded(defs, context.instance, published):
                context.log.warning(said)
            try:
                while (outcome := run()).ending is planner.Ending.BUSY:
                    if not waiting:
                        context.log.info("another refresh of this instance is running: waiting for its end")
                    waiting = True
                    time.sleep(ASK_AGAIN_SECONDS)
            except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):  # Dagster shows a traceback as the reason
                context.log.warning(told(KeyboardInterrupt())[0])
                raise
        if outcome.ending is not planner.Ending.SETTLED:
            raise dg.Failure(str(outcome), metadata={"exit code": int(outcome.ending)}, allow_retries=False)
        context.log.info(str(outcome))

    return refresh_stale


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """Ends a run as the command in a shell ends, with what that tells of an error: the run's page begins with a traceback else."""
    from pcr_assets.refresh.refusals import told

    try:
        yield
    except Exception as error:
        sentence, code = told(error)
        if not sentence:
            raise
        raise dg.Failure(sentence, metadata={"exit code": code}, allow_retries=False) from None


def _checked(defs: dg.Definitions, select: str) -> str:
    """Which profile is in use, once it, the selection and the keys are found in order."""
    from pcr_assets.refresh.refusals import find_assets, find_keys, find_profile

    find_assets(defs, select)  # of a selection of nothing, nothing is stale: the run would be green
    profile = find_profile(defs)  # not every section is observed: a mistake would be found after a training
    find_keys(defs, select)
    return profile


def refresh_job_for(
    build: Callable[[], dg.Definitions],
    *,
    name: str = "refresh",
    select: str = "*",
    about: str = "Build everything stale, in waves, and nothing else: the same as `make refresh`.",
) -> dg.JobDefinition:
    """A job over the definitions that ``build`` gives when a run begins, for the job may be one of them; its waves appear in the
    UI as runs of their own.

    ``select`` is what is built where a run's configuration doesn't name something else.
    """
    refresh_stale = refresh_op_for(build)
    preset: Any = dg.RunConfig({OP: RefreshConfig(select=select)}) if select != "*" else None

    @dg.job(
        name=name,
        description=about,
        executor_def=dg.in_process_executor,
        tags={"pcr/launcher": "job"},
        config=preset,
    )
    def refresh() -> None:
        refresh_stale()

    return refresh
