"""``experiments/mlflow/experiments_index.json``: every run with its parameters and its measures, as MLflow names such things.

The index is made from the log of runs and the artifacts, not from an MLflow server: it is the same on every machine, it
needs no database, it can't lose what a server forgot, and the weights that a run names are there under their digest.
``python -m pcr_assets.project_records.mlflow`` copies it to a server for those who want MLflow's pages.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pcr_assets import layout
from pcr_assets.project_records.manifest import as_json
from pcr_assets.project_records.models import KNOWN, ModelRecord, Sources, cost_of
from pcr_assets.resources.runs import Run

FILE = f"{layout.EXPERIMENTS}/experiments_index.json"
PREFIX = "pokemon-card"
LONGEST = 500
"""Characters of a parameter's value that every MLflow server takes."""


def index(sources: Sources, models: Mapping[str, ModelRecord]) -> dict[str, Any]:
    """An experiment for each asset that is trained or compiled, with its runs from the oldest on."""
    assets = sorted({run.asset for run in sources.runs})
    experiments = {f"{PREFIX}-{asset.replace('_', '-')}": _runs(sources, models, asset) for asset in assets}
    return {"experiments": [{"name": name, "runs": runs} for name, runs in experiments.items()]}


def files(sources: Sources, models: Mapping[str, ModelRecord]) -> dict[str, bytes]:
    """The index: its key in the store, and its bytes."""
    return {FILE: as_json(index(sources, models))}


def _runs(sources: Sources, models: Mapping[str, ModelRecord], asset: str) -> list[dict[str, Any]]:
    return [_entry(run, models, sources) for run in sources.runs if run.asset == asset]


def _entry(run: Run, models: Mapping[str, ModelRecord], sources: Sources) -> dict[str, Any]:
    name = next((known.name for known in KNOWN if known.place == run.artifact), run.artifact)
    model = models.get(name)
    current = model is not None and model.digest == run.digest
    return {
        "run_id": run.key.rpartition("/")[2].removesuffix(".json"),
        "status": "FINISHED",
        "start_time": run.started,
        "end_time": run.ended,
        "model": f"{name}:{run.version}",
        "digest": run.digest,
        "is_current": current,
        "params": {key: _short(value) for key, value in sorted(flat(run.settings).items())},
        "metrics": {
            "seconds": run.seconds,
            **_cost(run, sources),
            **(_numbers(model.metrics) if model and current else {}),
        },
        "tags": {
            **{f"hardware.{key}": str(value) for key, value in run.hardware.items()},
            "attempts": str(run.attempts),
        },
        "inputs": dict(run.made_from),
    }


def _cost(run: Run, sources: Sources) -> dict[str, float]:
    cost = cost_of(run, sources.prices)
    return {} if cost is None else {"cost_usd": cost}


def flat(value: Any, above: str = "") -> dict[str, Any]:
    """Nested mappings and lists as one level: ``{"phases.0.steps": 250}``."""
    inside: Iterable[tuple[Any, Any]]
    if isinstance(value, Mapping):
        inside = value.items()
    elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        inside = enumerate(value)
    else:
        return {above: value}
    return {
        name: leaf
        for key, entry in inside
        for name, leaf in flat(entry, f"{above}.{key}" if above else str(key)).items()
    }


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in flat(metrics).items() if isinstance(value, int | float)}


def _short(value: Any) -> str:
    return str(value)[:LONGEST]
