"""How a check is declared: a function that compares numbers of an artifact's record, and says in a sentence what it found."""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from pcr_assets.assets.declare import in_a_sentence
from pcr_assets.resources.project import Project

Record = Mapping[str, Any]
Limits = Mapping[str, float]
"""The section ``gates`` of the settings."""
Finding = tuple[bool, str]
Judge = Callable[..., Finding]
WHAT_NOW = "what now"
HELD = (
    "Nothing is built from this asset, and the last release stays in service. Mend or take back what made it so, or change the "
    "limit in your profile (`gates`; for `report_permits_release`, `report.least_recall`). Then run `make refresh`, or the job "
    "`refresh`: the check is asked again. Of a training that went bad, docs/training.md tells more."
)
TOLD = "A warning: nothing is held back for it."


def made_elsewhere(record: Record) -> bool:
    """Whether an artifact was adopted without the numbers that gates compare."""
    return bool(record.get("adopted")) and "recall" not in record


def gate(
    asset: dg.AssetsDefinition, artifact: str, *, blocking: bool = True, beside: str | None = None
) -> Callable[[Judge], Any]:
    """A check on the record of an artifact: the function says whether it passes, and in one sentence why.

    ``beside`` names another artifact to compare with: its record is the third argument, empty where there is none yet.
    """

    def declare(judge: Judge) -> dg.AssetChecksDefinition:
        @dg.asset_check(asset=asset, name=judge.__name__, blocking=blocking, description=judge.__doc__)
        @in_a_sentence
        def check(project: Project) -> dg.AssetCheckResult:
            artifacts, limits = project.artifacts, project.settings.section("gates")
            record = artifacts.current(artifact).record
            if made_elsewhere(record):
                said = f"{record['adopted']['from']} was made elsewhere: this was not measured on it"
                return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description=said)
            other = artifacts.named(beside) if beside else None
            others = [other.record if other else {}] if beside else []
            passed, said = judge(record, limits, *others)
            severity = dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN
            what_now = {} if passed else {WHAT_NOW: dg.MetadataValue.md(HELD if blocking else TOLD)}
            return dg.AssetCheckResult(passed=passed, severity=severity, description=said, metadata=what_now)

        return check

    return declare


def apart(mean: float, limits: Limits) -> Finding:
    """Whether the mean cosine between different cards says that a model tells them apart: a collapsed one calls all alike."""
    most = limits["mean_cosine"]
    return mean < most, f"mean cosine between different cards is {mean:.3f}, it must be below {most}"
