"""Gates: blocking checks, and what each said about the latest materialization of its asset.

Dagster stops at a failed blocking check within one run only: in the next run the gated asset looks fresh and its
children look buildable. A run killed between an asset and its check leaves a gate that nobody asked. Both are shut.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import dagster as dg
from dagster import AssetCheckEvaluation
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord  # internal, dagster 1.13


class Verdict(StrEnum):
    """What a check says about the latest materialization of its asset."""

    PASSED = "passed"
    REFUSED = "refused"
    UNASKED = "unasked"


@dataclass(frozen=True)
class Gate:
    """A blocking check, its verdict, and its own words (empty when it gave none)."""

    check: dg.AssetCheckKey
    verdict: Verdict
    said: str = ""

    def __str__(self) -> str:
        name = f"the check {self.check.name} of {self.check.asset_key.to_user_string()}"
        if self.verdict is Verdict.REFUSED:
            return f"{name} refuses it: {self.said or 'it gave no reason'}"
        return f"{name} {self.verdict}" if self.verdict is Verdict.PASSED else f"{name} gave no answer yet"


def gates_of(defs: dg.Definitions, instance: dg.DagsterInstance, assets: Iterable[dg.AssetKey]) -> list[Gate]:
    """The gates of those ``assets`` that were materialized, in the order of their keys."""
    graph, guarded = defs.resolve_asset_graph(), set(assets)
    checks = sorted(key for key in graph.asset_check_keys if graph.get(key).blocking and key.asset_key in guarded)
    if not checks:
        return []
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    latest = {
        record.asset_entry.asset_key: record.asset_entry.last_materialization_storage_id
        for record in instance.get_asset_records(list({check.asset_key for check in checks}))
    }
    return [
        _judged(check, records.get(check), latest[check.asset_key])
        for check in checks
        if latest.get(check.asset_key) is not None
    ]


def _judged(check: dg.AssetCheckKey, record: AssetCheckExecutionRecord | None, materialization: int | None) -> Gate:
    evaluation = record.evaluation if record else None
    if not isinstance(evaluation, AssetCheckEvaluation):  # a run planned to ask and died
        return Gate(check, Verdict.UNASKED)
    target = evaluation.target_materialization_data
    if target is None or target.storage_id != materialization:
        return Gate(check, Verdict.UNASKED)
    if evaluation.passed or evaluation.severity is not dg.AssetCheckSeverity.ERROR:
        return Gate(check, Verdict.PASSED, evaluation.description or "")
    return Gate(check, Verdict.REFUSED, evaluation.description or "")
