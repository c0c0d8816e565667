"""What a person reads of a refresh: a line for each event, a paragraph for each explained asset, a table of the plan.

Belongs here: words and colours. The commands are in :mod:`pcr_assets.refresh`, the decisions in :mod:`pcr_assets.planner`.
"""

import os
import sys
from collections.abc import Sequence

from pcr_assets import planner

SHOWN_VALUES = 5
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


def show(event: planner.Event) -> None:
    """Print an event as a line; sources are observed in silence."""
    if event.traceback:
        print(event.traceback, file=sys.stderr, flush=True)
    if event.kind != "observing":
        print(line(event), flush=True)


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
