"""What there is to tell CloudWatch: measures of runs, of the release, and of devices, as lines of the metric format."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pcr_assets.cloud import emf
from pcr_assets.cloud.emf import BadLine
from pcr_assets.project_records.dashboard import EDGE, RELEASE, TRAINING

SETTLED = ("confirmed", "changed", "left")
"""Events of a device after which a card's status is told once more; the last of a stay counts."""


def of_runs(index: Mapping[str, Any]) -> dict[str, str]:
    """A line for each run of ``experiments_index.json``, by its run_id, at the time it ended."""
    lines = {}
    for experiment in index["experiments"]:
        stage = experiment["name"].removeprefix("pokemon-card-")
        for run in experiment["runs"]:
            values = {"Seconds": run["metrics"]["seconds"]}
            if "cost_usd" in run["metrics"]:
                values["CostUSD"] = run["metrics"]["cost_usd"]
            if "recall.hard.recall_at_1" in run["metrics"]:
                values["RecallAt1"] = run["metrics"]["recall.hard.recall_at_1"]
            lines[run["run_id"]] = emf.line(TRAINING, {"Stage": stage}, values, _seconds(run["end_time"]))
    return lines


def of_release(manifest: Mapping[str, Any], now: float) -> list[str]:
    """A line for each variant and strength of the release in service, as of now: so its widget has a value each day."""
    answers = (manifest.get("release") or {}).get("answers", {})
    return [
        emf.line(
            RELEASE,
            {"Variant": variant, "Camera": strength},
            {"RecallAt1": found["recall_at_1"], "Answered": found["answered"]},
            now,
        )
        for variant, strengths in answers.items()
        for strength, found in strengths.items()
    ]


def of_events(lines: Iterable[str], device: str, now: float, source: str = "the events") -> list[str]:
    """One line that sums the events of ``edge-runtime watch --json`` up: a value for each stay of a card. Raises BadLine."""
    stays: dict[Any, tuple[str, float]] = {}
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            event = json.loads(text)
            if event["event"] in SETTLED:
                stays[event["stay"]] = (event["status"], float(event["confidence"]))
        except (ValueError, KeyError, TypeError) as error:
            raise BadLine(f"{source}, line {number} is no event of `edge-runtime watch --json` ({error})") from error
    if not stays:
        return []
    found = list(stays.values())
    share = {name: sum(status == name for status, _ in found) / len(found) for name in ("confirmed", "unknown")}
    values = {
        "Answers": len(found),
        "ConfirmedRate": round(share["confirmed"], 4),
        "UnknownRate": round(share["unknown"], 4),
        "Confidence": round(sum(confidence for _, confidence in found) / len(found), 4),
    }
    return [emf.line(EDGE, {"Device": device}, values, now, total=True)]


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
