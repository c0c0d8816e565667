"""``analytics/metrics/``: the records as tables, one idea a file, for spreadsheets and dashboards."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from pcr_assets import layout
from pcr_assets.project_records.costs import Costs
from pcr_assets.project_records.manifest import ProjectManifest, as_json
from pcr_assets.project_records.models import NOT_BUILT, WITHOUT_EMBEDDING, ModelRecord
from pcr_assets.project_records.storage import FOLDER, Storage

TEACHER = "dinov3-teacher"
TABLES = ("model_performance.csv", "compression_metrics.csv", "cost_breakdown.csv", "storage_metrics.csv")


def files(manifest: ProjectManifest, costs: Costs) -> dict[str, bytes]:
    """All files of the folder: keys of the store and bytes."""
    tables = (_performance(manifest), _compression(manifest.models), _costs(costs), _storage(costs.storage))
    found = {f"{layout.METRICS}/{name}": _csv(rows) for name, rows in zip(TABLES, tables, strict=True)}
    found[f"{layout.METRICS}/model_lineage.json"] = as_json(
        {"graph": {name: place.model_dump() for name, place in manifest.model_lineage.items()}}
    )
    found[f"{layout.METRICS}/summary.json"] = as_json(summary(manifest, costs))
    return found


def summary(manifest: ProjectManifest, costs: Costs) -> dict[str, Any]:
    """The project in a handful of numbers."""
    answers = manifest.release.answers if manifest.release else {}
    return {
        "models": len(manifest.models),
        "cards": manifest.datasets["processed"].counts.get("cards"),
        "release": manifest.release.id if manifest.release else None,
        "recall_at_1": {
            variant: {strength: found["recall_at_1"] for strength, found in strengths.items()}
            for variant, strengths in answers.items()
        },
        "compression": {row["model"]: row["times_fewer_parameters"] for row in _compression(manifest.models)},
        "cost_usd": costs.total,
        "storage_bytes": costs.storage.size,
        "storage_usd_a_month": costs.storage.usd_a_month,
        "last_updated": manifest.last_updated,
        "files": sorted([*TABLES, "model_lineage.json", "summary.json"]),
    }


def _performance(manifest: ProjectManifest) -> list[dict[str, Any]]:
    """A row for each model and strength of the camera; whole answers of the release's variants, search alone of the others."""
    return [
        {
            "model": name,
            "version": model.version,
            "type": model.type,
            "status": model.status,
            "architecture": model.architecture,
            "parameters": model.parameters,
            "embedding_dim": model.embedding_dim,
            "camera": strength,
            "recall_at_1": found.get("recall_at_1"),
            "low": found.get("low"),
            "high": found.get("high"),
            "queries": found.get("queries"),
            "of": of,
            "training_date": model.training_date,
            "training_cost_usd": model.training_config.cost_usd,
        }
        for name, model in manifest.models.items()
        for of, strength, found in _asked(name, manifest)
    ]


def _asked(name: str, manifest: ProjectManifest) -> list[tuple[str, str | None, Mapping[str, Any]]]:
    """What was asked of a model: of what the numbers are, the strength, the numbers."""
    whole = "whole answers in the whole gallery"
    of = whole if manifest.answers_of(name) else "search alone among test cards and training cards"
    return [(of, strength, found) for strength, found in manifest.recall_of(name).items()] or [("not asked", None, {})]


def _compression(models: Mapping[str, ModelRecord]) -> list[dict[str, Any]]:
    """Each model beside the teacher: parameters, and bytes of the file that answers."""
    teacher = models.get(TEACHER)
    of_teacher = (teacher.parameters or 0) if teacher else 0
    return [
        {
            "model": name,
            "version": model.version,
            "parameters": model.parameters,
            "times_fewer_parameters": round(of_teacher / model.parameters, 2)
            if of_teacher and model.parameters
            else None,
            "weights_bytes": (weights := _weights(model)),
            "times_smaller_file": round(_weights(teacher) / weights, 2) if teacher and weights else None,
            "parent_model": model.parent_model,
        }
        for name, model in models.items()
        if model.type not in WITHOUT_EMBEDDING and model.status != NOT_BUILT
    ]


def _weights(model: ModelRecord) -> int:
    """Bytes of the file that holds the weights: the largest one that is no archive of a compiler."""
    return max((file.size for name, file in model.files.items() if not name.endswith(".har")), default=0)


def _costs(costs: Costs) -> list[dict[str, Any]]:
    rows = [vars(line) for line in costs.paid]
    total = {"model": "TOTAL", "what": "", "usd": costs.total, "note": f"{costs.unpriced} runs without a price"}
    return [*rows, {**{key: None for key in (rows[0] if rows else {})}, **total}]


def _storage(storage: Storage) -> list[dict[str, Any]]:
    rows = [{**vars(entry), "size_gb": round(entry.size / 1e9, 6)} for entry in storage.measured]
    note = "" if FOLDER not in storage.sizes else "a folder costs nothing"
    total = {"kind": "TOTAL", "path": note, "size": storage.size, "usd_a_month": storage.usd_a_month}
    return [
        *rows,
        {**{key: None for key in (rows[0] if rows else {})}, **total, "size_gb": round(storage.size / 1e9, 6)},
    ]


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A table with a heading; what is not known is an empty field."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["model"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
