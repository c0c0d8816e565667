"""What may go, how long things are kept, and the table that tells a person."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

HOUR, DAY = 3600.0, 86400.0


@dataclass(frozen=True)
class Keep:
    """How much is kept besides what is referred to. ``now`` is the time in seconds since 1970."""

    now: float
    releases: int = 3
    """The newest releases, and the newest versions of each model."""
    hours: float = 24.0
    """Whatever was written within so many hours stays: somebody may be at work on it."""
    days: float = 30.0
    """A release stays so long after a newer one came, for devices that leave no note of what they run."""
    device_days: float = 90.0
    """A device's note counts so long."""
    scratch_days: float = 7.0
    """Unfinished work stays so long, for the run that goes on with it."""
    record_days: float = 30.0
    """Dagster's record of a look at the sources stays so long; that of the last one stays."""
    cache_bytes: float = 10e9
    """Downloads above this size go, those not used for the longest first."""

    def is_young(self, modified: float) -> bool:
        """Whether something was written so lately that it stays in any case."""
        return self.now - modified <= self.hours * HOUR


@dataclass(frozen=True)
class Leaving:
    """One thing that may go: a row of the table sums up those of the same kind and reason."""

    kind: str
    why: str
    size: int
    modified: float
    remove: Callable[[], None] | None = None
    """How it is removed; None where ``key`` is an object of the store."""
    key: str = ""


def table(leaving: Iterable[Leaving], now: float) -> list[str]:
    """A line for each kind and reason: how many, how large, how old the oldest, and why they go."""
    groups: dict[tuple[str, str], list[Leaving]] = {}
    for each in leaving:
        groups.setdefault((each.kind, each.why), []).append(each)
    rows = [("what", "count", "MB", "oldest", "why")]
    for (kind, why), those in sorted(groups.items()):
        oldest = _age(now - min(each.modified for each in those))
        rows.append((kind, str(len(those)), _megabytes(those), oldest, why))
    every = [each for those in groups.values() for each in those]
    rows.append(("in all", str(len(every)), _megabytes(every), "", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [_line(row, widths) for row in rows]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    what, count, size, oldest, why = row
    cells = [what.ljust(widths[0]), count.rjust(widths[1]), size.rjust(widths[2]), oldest.rjust(widths[3]), why]
    return "  ".join(cells).rstrip()


def _megabytes(those: Sequence[Leaving]) -> str:
    return f"{sum(each.size for each in those) / 1e6:,.1f}"


def _age(seconds: float) -> str:
    return f"{seconds / DAY:.0f} d" if seconds >= 2 * DAY else f"{max(0, seconds) / HOUR:.0f} h"
