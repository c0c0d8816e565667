"""``python -m pcr_assets.refresh plan|run|build|explain``: what is stale, build it, build something anyway, or say why.

``plan`` exits with 0 when nothing is stale and 3 when work is pending. ``run`` exits with 0 when nothing is stale any more,
1 when an asset failed, 2 when an asset is stale again right after it was built, 4 when a blocking check refuses what was
made, 5 when another refresh is running; ``build`` with 0 when all that was asked for is built, else like ``run``. 64 is a mistake
in the command line, 141 says that nobody read on. What was built stays built in any case.

Belongs here: what a person or a CI log sees. The decisions are made in :mod:`pcr_assets.planner`.
"""

import argparse
import json
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import dagster as dg

from edge_runtime.terminal import add_command, nobody_reads
from pcr_assets import planner
from pcr_assets.command_options import Parser
from pcr_assets.refresh.console import Telling, explained, table
from pcr_assets.refresh.refusals import (
    find_assets,
    find_home,
    find_keys,
    find_profile,
    open_home,
    told,
    what_is_unrecorded,
    what_is_unsigned,
)

PENDING = 3
STOPPED = "stopped there: what was built stays, the next run goes on from there"
"""Where what was said already is the reason."""
NOBODY_READS = 141


def main(
    argv: Sequence[str] | None = None,
    build: Callable[[], dg.Definitions] | None = None,
    instance: dg.DagsterInstance | None = None,
) -> int:
    """Run one command and return its exit code. ``build`` and ``instance`` default to the project and ``DAGSTER_HOME``."""
    options = _parser().parse_args(argv)
    options.telling, options.started = Telling(), time.perf_counter()
    for category in (dg.BetaWarning, dg.PreviewWarning):
        warnings.filterwarnings("ignore", category=category)
    _hang_up_like_an_interrupt()
    try:
        if instance is None:
            find_home()
        defs = (build or _project)()
        find_assets(defs, options.select)
        options.profile = find_profile(defs)
        with nullcontext(instance) if instance else open_home() as opened:
            code = int(options.command(defs, opened, options))
            sys.stdout.flush()
            return code
    except BrokenPipeError:
        nobody_reads()
        return NOBODY_READS
    except (Exception, KeyboardInterrupt) as error:
        sentence, code = told(error)
        if not sentence:
            raise
        return _refuse(STOPPED if options.telling.knows(sentence) else sentence, code)


def _hang_up_like_an_interrupt() -> None:
    """Let the end of a terminal, when a line to another machine breaks say, end a refresh as Ctrl-C does: the system would kill it,
    and its run would count as running. Under ``nohup`` it goes on, as its user wants."""
    here = threading.current_thread() is threading.main_thread()
    if here and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGINT))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m pcr_assets.refresh", description="Build what is stale, and nothing else.")
    commands = parser.add_subparsers(required=True, metavar="plan|run|build|explain")
    for name, command, about in (
        ("plan", _plan, "show what is stale and why; build nothing"),
        ("run", _run, "build what is stale"),
        ("build", _build, "build assets, stale or not, and nothing that follows from them"),
        ("explain", _explain, "tell all that is known of each asset"),
    ):
        sub = add_command(commands, name, about)
        sub.set_defaults(command=command)
        if name == "build":
            sub.add_argument("select", metavar="ASSET", help="an asset or a Dagster selection")
        elif name == "explain":
            sub.add_argument("select", nargs="?", default="*", metavar="ASSET", help="an asset or a Dagster selection")
        else:
            sub.add_argument(
                "--select", default="*", help="a Dagster selection, such as '+card_index' or 'group:models'"
            )
        if name == "plan":
            sub.add_argument("--json", action="store_true", help="print the plan as one JSON object")
    return parser


def _project() -> dg.Definitions:
    from pcr_assets.definitions import defs

    return defs


def _refuse(sentence: str, code: int = 1) -> int:
    print(sentence, file=sys.stderr)
    return code


def _plan(defs: dg.Definitions, instance: dg.DagsterInstance, options: argparse.Namespace) -> int:
    unseen = planner.observe(defs, instance, options.select)
    if unseen:
        return _refuse(options.telling.failed(unseen))
    published = planner.published_in(defs, instance)
    _say(what_is_unrecorded(defs, instance, published))
    plan = planner.resolve(defs, instance, options.select, published)
    _say(what_is_unsigned(defs, plan.due))
    if options.json:
        print(json.dumps({"profile": options.profile, **_as_json(plan)}, indent=1))
        return 0 if plan.settled else PENDING
    _say_profile(options.profile)
    rows = [(step.asset.to_user_string(), str(step.status), "; ".join(step.causes)) for step in plan.steps]
    rows += [(entry.asset.to_user_string(), "BLOCKED", str(entry.gate)) for entry in plan.blocked]
    told = {entry.gate for entry in plan.blocked}
    rows += [
        (gate.check.asset_key.to_user_string(), gate.verdict.upper(), str(gate))
        for gate in plan.gates
        if gate not in told
    ]
    table(rows)
    took = f"{time.perf_counter() - options.started:.1f} s"
    print(f"nothing is stale ({plan.total} assets, {took})" if plan.settled else f"{_counted(plan)} ({took})")
    return 0 if plan.settled else PENDING


def _say_profile(profile: str) -> None:
    if profile:
        print(f"{'profile':8}  {profile}", flush=True)


def _say(warning: str) -> None:
    if warning:
        print(warning, file=sys.stderr, flush=True)


def _counted(plan: planner.Plan) -> str:
    stale = sum(step.status is not planner.Status.PENDING for step in plan.steps)
    pending = len(plan.steps) - stale
    parts = [f"{stale} of {plan.total} assets are stale"]
    parts += [f"{pending} more may follow"] if pending else []
    parts += [f"{len(plan.blocked)} blocked"] if plan.blocked else []
    return ", ".join(parts)


def _as_json(plan: planner.Plan) -> dict[str, object]:
    return {
        "total": plan.total,
        "settled": plan.settled,
        "steps": [
            {"asset": step.asset.to_user_string(), "status": str(step.status), "causes": list(step.causes)}
            for step in plan.steps
        ],
        "blocked": [
            {"asset": entry.asset.to_user_string(), "check": entry.gate.check.name, "said": entry.gate.said}
            for entry in plan.blocked
        ],
        "gates": [
            {"asset": gate.check.asset_key.to_user_string(), "check": gate.check.name, "verdict": str(gate.verdict)}
            for gate in plan.gates
        ],
    }


def _run(defs: dg.Definitions, instance: dg.DagsterInstance, options: argparse.Namespace) -> int:
    find_keys(defs, options.select)
    _say_profile(options.profile)
    published, telling = planner.published_in(defs, instance), options.telling
    _say(what_is_unrecorded(defs, instance, published))
    outcome = planner.run(
        defs,
        instance,
        options.select,
        published,
        on_event=telling.show,
        on_plan=lambda plan: _say(what_is_unsigned(defs, plan.due)),
    )
    print(telling.end(outcome), flush=True)
    return int(outcome.ending)


def _build(defs: dg.Definitions, instance: dg.DagsterInstance, options: argparse.Namespace) -> int:
    _say_profile(options.profile)
    _say(what_is_unsigned(defs, planner.selected_assets(defs, options.select)))
    published, telling = planner.published_in(defs, instance), options.telling
    outcome = planner.rebuild(defs, instance, options.select, published, on_event=telling.show)
    print(outcome.progress if outcome.ending is planner.Ending.SETTLED else telling.end(outcome), flush=True)
    return int(outcome.ending)


def _explain(defs: dg.Definitions, instance: dg.DagsterInstance, options: argparse.Namespace) -> int:
    if unseen := planner.observe(defs, instance):
        print(options.telling.failed(unseen), file=sys.stderr)
    for entry in planner.explain(defs, instance, options.select, planner.published_in(defs, instance)):
        print(explained(entry), end="\n\n")
    return 0
