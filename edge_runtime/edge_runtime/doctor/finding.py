"""What a check found."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How bad it is. A note is of something that is absent and may well be."""

    FINE = "fine"
    NOTE = "note"
    WARNING = "warning"
    FAILED = "failed"

    @property
    def is_bad(self) -> bool:
        """Whether somebody should act."""
        return self in (State.WARNING, State.FAILED)


@dataclass(frozen=True)
class Finding:
    """One line of the report. ``facts``: what was measured, for machines; values are plain JSON."""

    check: str
    state: State
    said: str
    cure: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {**asdict(self), "state": self.state.value, "facts": dict(self.facts)}


def fine(check: str, said: str, **facts: Any) -> Finding:
    """Nothing to do."""
    return Finding(check, State.FINE, said, facts=facts)


def note(check: str, said: str, cure: str = "", **facts: Any) -> Finding:
    """Absent, and that may be as it should."""
    return Finding(check, State.NOTE, said, cure, facts)


def warning(check: str, said: str, cure: str, **facts: Any) -> Finding:
    """It works, but not well, or not for long."""
    return Finding(check, State.WARNING, said, cure, facts)


def failed(check: str, said: str, cure: str, **facts: Any) -> Finding:
    """It doesn't work."""
    return Finding(check, State.FAILED, said, cure, facts)


def refused(check: str, error: Exception) -> Finding:
    """An error of this package: its sentence ends with the cure, behind the last colon."""
    said, _, cure = str(error).rpartition(": ")
    return failed(check, said or cure, cure if said else "")
