"""What a person reads of a refresh: a line for each event, a paragraph for each explained asset, a table of the plan.

Belongs here: words and colours. The commands are in :mod:`pcr_assets.refresh`, the decisions in :mod:`pcr_assets.planner`.
"""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace

from pcr_assets import planner

SHOWN_VALUES = 5
SHOWN_NAMES = 6
ADDRESS = re.compile(r"s3://\S+")
COLOURS = {
    "built": "32",
    "passed": "32",
    "failed": "31",
    "warned": "33",
    "refused": "31",
    "MISSING": "33",
    "STALE": "33",
    "BLOCKED": "31",
}


class Telling:
    """What one refresh tells, in which each cause of a failure is told once, be it met by many assets."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}
        """Which asset told of a cause."""

    def show(self, event: planner.Event) -> None:
        """Print an event as a line; sources are observed in silence."""
        event = self.once(event)
        if event.traceback:
            print(event.traceback, file=sys.stderr, flush=True)
        if event.kind != "observing":
            print(line(event), flush=True)

    def once(self, event: planner.Event) -> planner.Event:
        """The event; of a failure whose cause was told, only who told it."""
        if event.kind != "failed":
            return event
        name = event.asset.to_user_string()
        first = self._told.setdefault(_cause(event.text), name)
        return event if first == name else replace(event, text=f"for the same reason as {first}", traceback="")

    def failed(self, failures: Sequence[planner.Failure]) -> str:
        """A line for each cause: the assets that met it, and one sentence."""
        by_cause: dict[str, list[planner.Failure]] = {}
        for failure in failures:
            by_cause.setdefault(_cause(failure.error), []).append(failure)
        self._told |= {cause: same[0].asset.to_user_string() for cause, same in by_cause.items()}
        return "\n".join(f"{_named(same)} failed: {same[0].error}" for same in by_cause.values())

    def knows(self, error: str) -> bool:
        """Whether an asset told of this error, or of the same about another object."""
        return _cause(error) in self._told

    def end(self, outcome: planner.Outcome) -> str:
        """How the refresh ended, in a sentence."""
        failed = [failure for failure in outcome.failures if self.knows(failure.error)]
        if not failed or len(failed) < len(outcome.failures):
            return str(outcome)
        return f"{_named(failed)} failed, as said above; {outcome.progress}, the next refresh goes on from there"


def _cause(error: str) -> str:
    """An error without the address of the object that met it."""
    return ADDRESS.sub("s3://", error)


def _named(failures: Sequence[planner.Failure]) -> str:
    names = list(dict.fromkeys(failure.asset.to_user_string() for failure in failures))
    more = [f"{len(names) - SHOWN_NAMES} more"] if len(names) > SHOWN_NAMES else []
    shown = names[:SHOWN_NAMES] + more
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]


def line(event: planner.Event) -> str:
    """``built    card_index  1.2 s  cards=120, size=0.3``"""
    values = ", ".join(f"{name}={_short(value)}" for name, value in list(event.metadata.items())[:SHOWN_VALUES])
    took = f"{event.seconds:.1f} s" if event.seconds is not None else ""
    words = [event.asset.to_user_string(), took, event.text, values if event.kind == "built" else ""]
    return "  ".join([_coloured(f"{event.kind:8}", event.kind), *filter(None, words)])


def explained(entry: planner.Explanation) -> str:
    """All that is known of an asset, several lines."""
    why = f": {'; '.join(entry.step.causes)}" if entry.step.causes else ""
    status = _coloured(entry.step.status, entry.step.status)
    code = f"{entry.code_then or 'none'} when built, {entry.code_now or 'none'} now"
    lines = [
        f"{entry.step.asset.to_user_string()}  {status}{why}",
        f"  code      {entry.code_now if entry.code_then == entry.code_now else code}",
        f"  data      {_abbreviated(entry.data_version)}",
    ]
    if entry.artifact:
        same = " (the same)" if entry.held and entry.held == entry.data_version else ""
        lines.append(f"  store     {entry.artifact}: {_abbreviated(entry.held)}{same}")
    for source in entry.inputs:
        then, now = _abbreviated(source.then), _abbreviated(source.now)
        versions = now if source.then == source.now else f"{then} when built, {now} now"
        lines.append(f"  made from {source.asset.to_user_string()}: {versions}")
    lines += [f"  guard     {gate}" for gate in entry.gates]
    return "\n".join(lines)


def _abbreviated(version: str | None) -> str:
    return version[:12] if version else "none"


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table(rows: Sequence[tuple[str, str, str]]) -> None:
    """Print assets, their status, and why."""
    if not rows:
        return
    head = ("asset", "status", "why")
    first, second = (max(len(row[column]) for row in (head, *rows)) for column in (0, 1))
    for asset, status, why in (head, *rows):
        print(f"{asset:{first}}  {_coloured(f'{status:{second}}', status)}  {why}")


def _coloured(text: str, kind: str) -> str:
    plain = kind not in COLOURS or not sys.stdout.isatty() or "NO_COLOR" in os.environ
    return text if plain else f"\033[{COLOURS[kind]}m{text}\033[0m"
