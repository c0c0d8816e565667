"""``metadata/project_manifest.json``: the whole project in one file, with its schema beside it."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pcr_assets import layout
from pcr_assets.project_records.costs import Costs
from pcr_assets.project_records.models import ModelRecord, Sources, base_of
from pcr_assets.resources.artifacts import Artifact, Artifacts

VERSION = "1.1.0"
"""Of the manifest's fields: those of the manifest that this project kept before, and more."""
PROJECT = "pokemon-card-recognition"
FILE = "metadata/project_manifest.json"
SCHEMA = "metadata/project_manifest.schema.json"
DATASETS = {
    "raw": (layout.RAW, None),
    "processed": (layout.PROCESSED, layout.PROCESSED),
    "training": (layout.SNAPSHOT, layout.SNAPSHOT),
    "calibration": (layout.CALIBRATION, layout.CALIBRATION),
    "reference_embeddings": (layout.EMBEDDINGS, layout.EMBEDDINGS),
    "reference_index": (layout.INDEX, layout.INDEX),
}
COUNTS = ("cards", "scans", "splits", "count")
VARIANTS = {"efficientnet-student-onnx": "fp32", "efficientnet-student-int8": "int8", "efficientnet-hailo": "hef"}
"""The variant of a release that a model is in service as."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Lineage(_Part):
    """A model's place among the others: ``name:version`` of its parent and children."""

    parent: str | None
    children: list[str]
    relationship: str | None


class Dataset(_Part):
    """Data of the project: where it lies, and the digest and size of what is current."""

    path: str
    digest: str | None = None
    version: str | None = None
    size: int | None = None
    counts: dict[str, Any] = {}


class Release(_Part):
    """The release that is in service."""

    id: str
    path: str
    variants: list[str]
    answers: dict[str, Any]


class CostTracking(_Part):
    """Money: of runs in the log, and of what was recorded before. US dollars."""

    total_cost_usd: float
    of_runs_usd: float
    recorded_before_usd: float
    breakdown: dict[str, float]
    runs_without_a_price: int
    source: str


class ProjectManifest(_Part):
    """The project, its models and their lineage, its data, experiments, costs and documents."""

    project_name: Literal["pokemon-card-recognition"] = "pokemon-card-recognition"
    version: Literal["1.1.0"] = "1.1.0"
    description: str = "Card recognition by retrieval: a teacher, a distilled student, and its exports for the edge"
    store: str
    """``s3://…/``, or ``a folder``: a folder's own path is no part of it, so that it may be moved."""
    last_updated: str | None
    """When the newest run in the log ended; null where there is none."""
    models: dict[str, ModelRecord]
    model_lineage: dict[str, Lineage]
    datasets: dict[str, Dataset]
    release: Release | None
    experiments: dict[str, Any]
    cost_tracking: CostTracking
    documentation: dict[str, str]

    def answers_of(self, model: str) -> Mapping[str, Mapping[str, Any]]:
        """What the release was found to answer with a model, by strength of the camera; nothing for one that is in no release."""
        return self.release.answers.get(VARIANTS.get(model, ""), {}) if self.release else {}

    def recall_of(self, model: str) -> Mapping[str, Mapping[str, Any]]:
        """How many cards are found with a model, by strength of the camera: by whole answers where it is in the release, else by
        the search alone; nothing where neither was asked."""
        return self.answers_of(model) or self.models[model].recall


def build(
    sources: Sources, models: Mapping[str, ModelRecord], data: Mapping[str, Artifact | None], costs: Costs
) -> ProjectManifest:
    """The manifest. ``data``: what is current of each dataset and of the releases, by its place."""
    base = base_of(sources.artifacts)
    return ProjectManifest(
        store=base or "a folder",
        last_updated=max((run.ended for run in sources.runs), default=None),
        models=dict(models),
        model_lineage=lineage(models),
        datasets={name: _dataset(f"{base}{place}/", data.get(key or "")) for name, (place, key) in DATASETS.items()},
        release=_release(base, data.get(layout.RELEASES)),
        experiments={
            "index": f"{base}{layout.EXPERIMENTS}/experiments_index.json",
            "database": f"{base}{layout.EXPERIMENTS}/mlflow.db",
            "runs": dict(sorted(Counter(run.asset for run in sources.runs).items())),
        },
        cost_tracking=CostTracking(
            total_cost_usd=costs.total,
            of_runs_usd=costs.of_runs,
            recorded_before_usd=costs.recorded,
            breakdown=costs.by_model,
            runs_without_a_price=costs.unpriced,
            source=sources.prices.source,
        ),
        documentation={
            "readme": f"{base}README.md",
            "costs": f"{base}{layout.COSTS}/COST_BREAKDOWN.md",
            **{f"card of {name}": f"{base}{model.folder}/README.md" for name, model in models.items()},
        },
    )


def lineage(models: Mapping[str, ModelRecord]) -> dict[str, Lineage]:
    """Parents and children, by ``name:version``."""
    names = {f"{name}:{model.version}": model for name, model in models.items()}
    return {
        name: Lineage(
            parent=model.parent_model,
            children=sorted(child for child, other in names.items() if other.parent_model == name),
            relationship=model.relationship,
        )
        for name, model in names.items()
    }


def files(manifest: ProjectManifest) -> dict[str, bytes]:
    """The manifest, validated against its own schema, and the schema: keys of the store and bytes.

    Raises ``jsonschema.ValidationError`` should the two ever part.
    """
    import jsonschema

    value, schema = manifest.model_dump(mode="json"), ProjectManifest.model_json_schema()
    jsonschema.validate(value, schema)
    return {
        FILE: as_json(value),
        SCHEMA: as_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}),
    }


def read(artifacts: Artifacts) -> ProjectManifest:
    """The manifest as it was published last."""
    return ProjectManifest.model_validate_json(artifacts.fetch(artifacts.current(layout.MANIFEST), FILE).read_text())


def as_json(value: Any) -> bytes:
    """JSON for people and jq: indented, in the order that it was made, one line feed at the end."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _dataset(path: str, artifact: Artifact | None) -> Dataset:
    if artifact is None:
        return Dataset(path=path)
    counts = {name: artifact.record[name] for name in COUNTS if isinstance(artifact.record.get(name), int | dict)}
    return Dataset(
        path=path,
        digest=artifact.digest,
        version=artifact.version,
        size=artifact.size,
        counts=counts,
    )


def _release(base: str, artifact: Artifact | None) -> Release | None:
    if artifact is None:
        return None
    return Release(
        id=artifact.version,
        path=f"{base}{layout.RELEASES}/{artifact.version}/",
        variants=list(artifact.record["variants"]),
        answers=dict(artifact.record["answers"]),
    )
