"""What MLflow is told of each run in the log, and ``experiments_index.json``: what MLflow's client finds of it.

Both sides of the tracking database, without MLflow: :mod:`pcr_assets.project_records.tracking` tells and asks.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from pcr_assets import layout
from pcr_assets.project_records.models import KNOWN, ModelRecord, Sources, base_of, cost_of, measures
from pcr_assets.resources.runs import Run, stamp
from pcr_assets.resources.store import Missing, Store, StoreError

FILE = f"{layout.EXPERIMENTS}/experiments_index.json"
PREFIX = "pokemon-card-"
RUN = "pcr.run_id"
"""The tag by which a run is known wherever it was told: its name in the log."""
LONGEST = 500
"""Characters of a parameter's value that every MLflow server takes."""
MOST_POINTS = 500
"""Of a curve that MLflow is told: its pages draw no more, and the model's ``metrics.json`` keeps all."""
Points = Sequence[tuple[int, float]]
"""Steps and values of a measure."""


@dataclass(frozen=True)
class Told:
    """A run as MLflow is told of it. Times are milliseconds since 1970."""

    run_id: str
    experiment: str
    name: str
    started: int
    ended: int
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    """What may change when the run has long ended: its cost, by another price, and what is measured on its model."""
    curves: Callable[[], Mapping[str, Points]]
    """What was measured while it ran; read from the model's files when a run is told for the first time."""


def told(sources: Sources, models: Mapping[str, ModelRecord]) -> list[Told]:
    """Each run of the log, the oldest first."""
    return [_told(run, sources, models) for run in sources.runs]


def index(found: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Experiments with their runs from the oldest on. ``found``: names of experiments, and MLflow's runs in them."""
    experiments: dict[str, list[dict[str, Any]]] = {}
    for name, run in found:
        experiments.setdefault(name, []).append(_entry(run))
    return {
        "experiments": [
            {"name": name, "runs": sorted(runs, key=lambda run: (run["start_time"], run["run_id"]))}
            for name, runs in sorted(experiments.items())
        ]
    }


def _told(run: Run, sources: Sources, models: Mapping[str, ModelRecord]) -> Told:
    name = next((known.name for known in KNOWN if known.place == run.artifact), run.artifact)
    model = models.get(name)
    current = model is not None and model.digest == run.digest
    began, ended = (round(1000 * datetime.fromisoformat(at).timestamp()) for at in (run.started, run.ended))
    cost = cost_of(run, sources.prices)
    return Told(
        run_id=_id(run),
        experiment=f"{PREFIX}{run.asset.replace('_', '-')}",
        name=f"{name}:{run.version}",
        started=began,
        ended=ended,
        params={key: str(value)[:LONGEST] for key, value in sorted(flat(run.settings).items())},
        tags={
            RUN: _id(run),
            "model": f"{name}:{run.version}",
            "digest": run.digest,
            "is_current": str(current).lower(),
            "artifacts": f"{base_of(sources.artifacts)}{run.artifact}/{run.version}/",
            "attempts": str(run.attempts),
            **{f"hardware.{key}": str(value)[:LONGEST] for key, value in run.hardware.items()},
            **{f"input.{above}": digest for above, digest in run.made_from.items()},
            **{f"parent.{above}": _id(parent) for above, parent in _parents(run, sources.runs).items()},
        },
        metrics={
            "seconds": run.seconds,
            **({} if cost is None else {"cost_usd": cost}),
            **(_numbers(model.metrics) if model and current else {}),
        },
        curves=partial(_curves, sources.artifacts.store, run),
    )


def _id(run: Run) -> str:
    return run.key.rpartition("/")[2].removesuffix(".json")


def _parents(run: Run, runs: Sequence[Run]) -> dict[str, Run]:
    """The runs that made what this one was made from: of several with the same result, the last before it."""
    made = {other.digest: other for other in runs if other.started <= run.started}
    return {name: made[digest] for name, digest in run.made_from.items() if digest in made}


def _curves(store: Store, run: Run) -> dict[str, Points]:
    """Loss and validation by step, and what was measured at the end, as a training's own ``metrics.json`` has them."""
    key = f"{run.artifact}/{run.version}/metrics.json"
    try:
        measured = json.loads(store.read(key))
        curves = measured.get("curves", measured)
        loss = [(step, value) for step, value in enumerate(curves.get("loss", []), 1) if math.isfinite(value)]
        looks: dict[str, list[tuple[int, float]]] = {}
        for look in curves.get("validation", []):
            for name, value in _numbers(look).items():
                looks.setdefault(f"validation.{name}", []).append((look["step"], value))
        ends = {name: [(0, value)] for name, value in _numbers(measures(measured)).items()}
        return {**ends, **looks, "loss": _thinned(loss)}
    except Missing:  # cleared away, or of a step that measures nothing while it runs
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{store.root}/{key} holds no curves of a training ({error!r}): remove it, and its run is told without them"
        ) from error


def _thinned(points: Points) -> Points:
    """Every so many, from the last one back."""
    every = -(-len(points) // MOST_POINTS) or 1
    return points[::-1][::every][::-1]


def _entry(run: Any) -> dict[str, Any]:
    tags = dict(sorted(run.data.tags.items()))
    return {
        "run_id": tags[RUN],
        "status": run.info.status,
        "start_time": stamp(run.info.start_time / 1000),
        "end_time": stamp(run.info.end_time / 1000),
        "model": tags["model"],
        "digest": tags["digest"],
        "is_current": tags["is_current"] == "true",
        "artifacts": tags["artifacts"],
        "params": dict(sorted(run.data.params.items())),
        "metrics": dict(sorted(run.data.metrics.items())),
        "tags": {name: value for name, value in tags.items() if name == "attempts" or name.startswith("hardware.")},
        "inputs": _below("input.", tags),
        "parents": _below("parent.", tags),
    }


def _below(prefix: str, tags: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in tags.items() if name.startswith(prefix)}


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
    return {
        name: float(value)
        for name, value in flat(metrics).items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
