"""Every model of the project as its artifact, its runs and the recorded history tell it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from pcr_assets import layout
from pcr_assets.learning.spec import ModelSpec
from pcr_assets.project_records.price_table import History, PriceTable
from pcr_assets.resources.artifacts import Artifact, Artifacts
from pcr_assets.resources.runs import Run
from pcr_assets.resources.store import Missing, StoreError
from pcr_assets.settings import mistakes

TRANSITIONAL = "transitional"
NOT_BUILT = "not built"
CURRENT = "current"
FORMATS = {
    ".safetensors": "safetensors",
    ".onnx": "onnx",
    ".hef": "hailo hef",
    ".har": "hailo har",
    ".pt": "pytorch pickle",
    ".gz": "tar.gz",
}


@dataclass(frozen=True)
class Known:
    """A model of the layout: what it is called in records, where it lies, and what it is made from."""

    name: str
    place: str
    type: str
    parent: str | None = None
    relationship: str | None = None


KNOWN = (
    Known("dinov3-teacher", layout.TEACHER, "teacher"),
    Known("efficientnet-student-stage1", layout.STAGE1, "student", "dinov3-teacher", "knowledge distillation"),
    Known("efficientnet-student-stage2", layout.STAGE2, "student", "efficientnet-student-stage1", "fine-tuning"),
    Known("efficientnet-student-onnx", layout.ONNX, "export", "efficientnet-student-stage2", "export"),
    Known("efficientnet-student-int8", layout.INT8, "export", "efficientnet-student-onnx", "quantization"),
    Known("efficientnet-hailo", layout.HEF, "export", "efficientnet-student-onnx", "compilation"),
    Known("outline-filter", layout.OUTLINE_FILTER, "detector"),
    Known("printing-verifier", layout.PRINTING_VERIFIER, "verifier"),
)
WITHOUT_EMBEDDING = ("detector", "verifier")
"""Types of models that judge and embed nothing."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelFile(_Record):
    """One published file: its key in the store, bytes, and SHA-256 in hex."""

    path: str
    size: int
    sha256: str


class TrainingConfig(_Record):
    """With what a model was made. ``settings`` are the sections of the profile, as the run was given them."""

    settings: dict[str, Any] = {}
    steps: int | None = None
    hardware: dict[str, Any] = {}
    instance: str | None = None
    seconds: float | None = None
    billed_seconds: float | None = None
    cost_usd: float | None = None
    cost_source: str | None = None


class ModelRecord(_Record):
    """One model. A field is null where nothing that was recorded says it."""

    version: str
    type: str
    status: str
    artifacts_preserved: bool
    architecture: str | None = None
    parameters: int | None = None
    embedding_dim: int | None = None
    input_size: tuple[int, int] | None = None
    formats: tuple[str, ...] = ()
    training_date: str | None = None
    training_config: TrainingConfig = TrainingConfig()
    metrics: dict[str, Any] = {}
    parent_model: str | None = None
    relationship: str | None = None
    licence: str | None = None
    registry_arn: str | None = None
    registry_status: str | None = None
    folder: str
    """Where all its versions lie, below the store's root."""
    path: str
    digest: str
    size: int
    files: dict[str, ModelFile] = {}
    note: str | None = None

    @property
    def recall(self) -> Mapping[str, Mapping[str, Any]]:
        """What a trained model's own search was found to do, by strength of the camera. An export records its source's numbers:
        none of its own."""
        return self.metrics.get("recall", {}) if self.type in ("teacher", "student") else {}


@dataclass(frozen=True)
class Sources:
    """All that is read: artifacts, the log of runs, prices and history."""

    artifacts: Artifacts
    runs: tuple[Run, ...]
    prices: PriceTable
    history: History


def collect(sources: Sources) -> dict[str, ModelRecord]:
    """A record for each known model that was ever published here, by name."""
    found = {known.name: sources.artifacts.named(known.place) for known in KNOWN}
    registry = registered(sources.artifacts)
    return {
        known.name: _record(sources, known, artifact, found, registry)
        for known in KNOWN
        if (artifact := found[known.name])
    }


def base_of(artifacts: Artifacts) -> str:
    """What stands before a key in a record: the URL of a bucket's store, nothing for a folder, which may be moved."""
    root = artifacts.store.root
    return f"{root}/" if "://" in root else ""


def price_of(run: Run, prices: PriceTable) -> float | None:
    """US dollars for an hour of a run's machine, on its day; None where nobody was paid, or no price is listed."""
    return prices.an_hour(run.instance, date.fromisoformat(run.started[:10])) if run.instance else None


def cost_of(run: Run, prices: PriceTable) -> float | None:
    """What a run cost in US dollars; None as in :func:`price_of`."""
    an_hour = price_of(run, prices)
    return None if an_hour is None else round(run.seconds_to_pay / 3600 * an_hour, 4)


def registered(artifacts: Artifacts) -> dict[str, dict[str, Any]]:
    """Packages by ``model:version``, as ``model_registry.json`` names them; none where nothing is registered. Raises StoreError."""
    try:
        return dict(json.loads(artifacts.store.read(layout.REGISTRY)))
    except Missing:
        return {}
    except (ValueError, TypeError) as error:
        raise StoreError(
            f"{artifacts.store.root}/{layout.REGISTRY} names no packages ({error}): mend or remove it"
        ) from error


def _record(
    sources: Sources,
    known: Known,
    artifact: Artifact,
    found: Mapping[str, Artifact | None],
    registry: Mapping[str, Any],
) -> ModelRecord:
    said = artifact.record
    whole = sources.artifacts.find(known.place) is not None
    built = bool(said.get("built", True))
    kept = whole and bool(artifact.files)
    status = NOT_BUILT if not built else CURRENT if kept else TRANSITIONAL
    adopted = said.get("adopted") or {}
    spec = _spec(sources.artifacts, artifact, found) if whole else {}
    runs = [run for run in sources.runs if run.artifact == known.place and run.digest == artifact.digest]
    package = registry.get(f"{known.name}:{artifact.version}", {})
    note = said.get("reason") if not built else adopted.get("reason")
    return ModelRecord(
        version=artifact.version if built else "none",
        type=known.type,
        status=status,
        artifacts_preserved=kept,
        architecture=said.get("backbone") or spec.get("backbone") or adopted.get("architecture"),
        parameters=said.get("parameters") or _of_onnx(known, found, "parameters") or adopted.get("parameters"),
        embedding_dim=spec.get("embedding_dim") or adopted.get("embedding_dim"),
        input_size=tuple(spec["input_size"]) if spec.get("input_size") else None,
        formats=tuple(sorted({form for name in artifact.files if (form := _format(name))})),
        training_date=runs[-1].ended[:10] if runs else adopted.get("training_date"),
        training_config=_training(sources, known, artifact, runs, spec),
        metrics=measures(said),
        parent_model=_parent(known, artifact, found, runs),
        relationship=known.relationship,
        licence=said.get("teacher_license") or _of_onnx(known, found, "teacher_license"),
        registry_arn=package.get("arn") or adopted.get("registry_arn"),
        registry_status=package.get("status") or adopted.get("registry_status"),
        folder=known.place,
        path=f"{base_of(sources.artifacts)}{known.place}/{artifact.version}/",
        digest=artifact.digest,
        size=artifact.size,
        files={n: ModelFile(path=f.key, size=f.size, sha256=f.sha256) for n, f in sorted(artifact.files.items())},
        note=note,
    )


def _format(name: str) -> str | None:
    return next((form for ending, form in FORMATS.items() if name.endswith(ending)), None)


def _spec(artifacts: Artifacts, artifact: Artifact, found: Mapping[str, Artifact | None]) -> dict[str, Any]:
    """What ``model.json`` says: of this model, else of the ONNX export that integer models and HEFs are made from."""
    onnx = found["efficientnet-student-onnx"]
    inherits = artifact.name in (layout.INT8, layout.HEF)
    source = onnx if inherits and onnx and artifacts.find(layout.ONNX) else artifact
    if "model.json" not in source.files:
        return {}
    try:
        spec = dict(json.loads(artifacts.fetch(source, "model.json").read_text()))
        return {} if mistakes(ModelSpec, spec, "model.json") else spec
    except (ValueError, TypeError):  # adopted, and of another form, as one with mistakes is
        return {}


def _of_onnx(known: Known, found: Mapping[str, Artifact | None], field: str) -> Any:
    """Quantization and compilation keep the parameters and the licence of what they start from."""
    onnx = found["efficientnet-student-onnx"]
    return onnx.record.get(field) if onnx and known.parent == "efficientnet-student-onnx" else None


def _training(
    sources: Sources, known: Known, artifact: Artifact, runs: Iterable[Run], spec: Mapping[str, Any]
) -> TrainingConfig:
    runs = list(runs)
    past = sources.history.of(known.name, artifact.version) if artifact.record.get("adopted") else None
    if not runs:
        if past is None:
            return TrainingConfig(steps=artifact.record.get("steps"))
        return TrainingConfig(
            instance=past.instance,
            seconds=past.minutes * 60,
            cost_usd=past.usd,
            cost_source=f"recorded: {sources.history.source}",
        )
    last, costs = runs[-1], [cost_of(run, sources.prices) for run in runs]
    paid = [cost for cost in costs if cost is not None]
    billed = [run.billed_seconds for run in runs if run.billed_seconds is not None]
    settings = dict(last.settings) if "spec" in last.settings or not spec else {**last.settings, "spec": dict(spec)}
    return TrainingConfig(
        settings=settings,
        steps=artifact.record.get("steps"),
        hardware=dict(last.hardware),
        instance=last.instance,
        seconds=round(sum(run.seconds for run in runs), 1),
        billed_seconds=round(sum(billed), 1) if billed else None,
        cost_usd=round(sum(paid), 4) if paid else None,
        cost_source=f"billed seconds at the listed price: {sources.prices.source}" if paid else None,
    )


def measures(said: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers that were measured on a model, of those that its artifact, or its training, recorded."""
    kept = ("recall", "different_cards", "hashing", "parity", "fidelity", "test", "threshold", "emulation")
    return {name: said[name] for name in kept if name in said}


def _parent(known: Known, artifact: Artifact, found: Mapping[str, Artifact | None], runs: Iterable[Run]) -> str | None:
    """``name:version`` of the parent, or ``name@digest`` when the parent has moved on since."""
    parent = found.get(known.parent or "")
    if parent is None:
        return known.parent
    made_from = {**artifact.record.get("made_from", {}), **{k: v for run in runs for k, v in run.made_from.items()}}
    digests = set(made_from.values())
    if not digests or parent.digest in digests:
        return f"{known.parent}:{parent.version}"
    older = made_from.get(parent.name) or next(
        iter(v for k, v in sorted(made_from.items()) if k.startswith("student")), ""
    )
    return f"{known.parent}@{older[:16]}"
