"""How a refresh ended, and the sentence that says so."""

from dataclasses import dataclass
from enum import IntEnum

import dagster as dg

from pcr_assets.planner.execution import Failure
from pcr_assets.planner.gates import Gate
from pcr_assets.planner.plan import Blocked, Step


class Ending(IntEnum):
    """How a refresh ended; the number is the exit code of the command."""

    SETTLED = 0
    FAILED = 1
    UNSETTLED = 2
    BLOCKED = 4
    BUSY = 5


@dataclass(frozen=True)
class Outcome:
    """What a refresh did and what it left."""

    ending: Ending
    total: int
    seconds: float
    built: tuple[dg.AssetKey, ...] = ()
    failures: tuple[Failure, ...] = ()
    unsettled: tuple[Step, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    refused: tuple[Gate, ...] = ()
    unanswered: tuple[Gate, ...] = ()
    """Gates that gave no answer although they were asked: somebody else built their asset meanwhile."""
    changed: tuple[dg.AssetKey, ...] = ()
    """Sources that changed after it had built what reads them."""

    @property
    def progress(self) -> str:
        """How much was built, in how long."""
        return f"built {len(set(self.built))} of {self.total} assets in {self._took}"

    @property
    def _took(self) -> str:
        return f"{self.seconds:.0f} s" if self.seconds >= 10 else f"{self.seconds:.1f} s"

    def __str__(self) -> str:
        built = self.progress
        if self.ending is Ending.BUSY:
            return "another refresh of this instance is running: wait for it, or stop it first"
        if self.ending is Ending.FAILED:
            more = f" (and {len(self.failures) - 1} more)" if len(self.failures) > 1 else ""
            return f"{self.failures[0]}{more}; {built}, the next refresh goes on from there"
        if self.ending is Ending.UNSETTLED:
            step = self.unsettled[0]
            why = "; ".join(step.causes)
            return f"{step.asset.to_user_string()} is stale again right after it was built ({why}); {built}"
        if self.ending is Ending.BLOCKED and not (self.blocked or self.refused):
            again = "its asset was built by somebody else meanwhile: run again"
            return f"{self.unanswered[0]}, for {again}; {built}"
        if self.ending is Ending.BLOCKED:
            first = self.blocked[0] if self.blocked else self.refused[0]
            more = f" (and {len(self.blocked) - 1} more)" if len(self.blocked) > 1 else ""
            return f"{first}{more}; {built}; mend or take back what made it so, and run again"
        return f"{built}; {self._rest}" if self.built else f"nothing is stale ({self.total} assets, {self._took})"

    @property
    def _rest(self) -> str:
        """What else there is to do."""
        if not self.changed:
            return "nothing else was stale"
        sources = ", ".join(source.to_user_string() for source in self.changed)
        return f"{sources} changed meanwhile: the next refresh builds what this one did not see"
