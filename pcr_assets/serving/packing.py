"""Which archives are made, of which artifact's files, and which are there already."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pcr_assets import digests, layout
from pcr_assets.resources.artifacts import Artifact, Artifacts, PublishedFile
from pcr_assets.serving import archive

Export = Callable[[Artifact, Path], Path]
"""Makes the served graph of a trained model, in a folder of its own; gives its file."""


@dataclass(frozen=True)
class Source:
    """Where a packed model's version and its ONNX file come from. ``onnx`` None: it is exported from the weights."""

    place: str
    onnx: tuple[str, str] | None = None


SOURCES: Mapping[str, Source] = {
    "dinov3-teacher": Source(layout.TEACHER),
    "efficientnet-student-stage2": Source(layout.STAGE2, (layout.ONNX, "student.onnx")),
    "efficientnet-student-int8": Source(layout.INT8, (layout.INT8, "student_int8.onnx")),
}


@dataclass(frozen=True)
class Packed:
    """One archive: of which version of which model, and the digest of what is in it."""

    model: str
    version: str
    model_digest: str
    digest: str
    input_size: tuple[int, int]
    embedding_dim: int
    licence: str

    @property
    def file(self) -> str:
        """Its name among the artifact's files."""
        return f"{self.model}/{archive.ARCHIVE}"

    @property
    def metrics_file(self) -> str:
        """Its measures, as SageMaker's registry reads them."""
        return f"{self.model}/metrics.json"


def pack(artifacts: Artifacts, models: Iterable[str], export: Export, work: Path) -> Artifact:
    """Publish the archives of ``models`` as they are now; one whose content did not change is not made again."""
    before = artifacts.find(layout.PACKAGES)
    kept: dict[str, PublishedFile] = {}
    files: dict[str, Path | bytes] = {}
    packed: list[Packed] = []
    for model in models:
        entry = _described(artifacts, model)
        packed.append(entry)
        files[entry.metrics_file] = _metrics(artifacts, SOURCES[model])
        if before and entry in packed_in(before):
            kept[entry.file] = before.files[entry.file]
        else:
            files[entry.file] = made = work / f"{model}.tar.gz"
            archive.write(made, _onnx(artifacts, model, export, work), asdict(entry))
    said = {"packed": [json.loads(json.dumps(asdict(entry))) for entry in packed]}
    metrics = {name: digests.of_bytes(data) for name, data in files.items() if isinstance(data, bytes)}
    digest = digests.of_json([said, metrics])
    return artifacts.publish(layout.PACKAGES, files, digest=digest, record=said, kept=kept)


def packed_in(artifact: Artifact) -> list[Packed]:
    """What an artifact of archives says of them; of none where packing was off."""
    return [
        Packed(**{**entry, "input_size": tuple(entry["input_size"])}) for entry in artifact.record.get("packed", ())
    ]


def _described(artifacts: Artifacts, model: str) -> Packed:
    source = SOURCES[model]
    held = artifacts.current(source.place)
    onnx = artifacts.current(layout.ONNX) if source.onnx else held
    graph = artifacts.current(source.onnx[0]) if source.onnx else held
    spec = json.loads(artifacts.fetch(onnx, "model.json").read_text())
    return Packed(
        model=model,
        version=held.version,
        model_digest=held.digest,
        digest=archive.contents_digest(held.digest, graph.digest),
        input_size=tuple(spec["input_size"]),
        embedding_dim=spec["embedding_dim"],
        licence=onnx.record.get("teacher_license") or spec.get("licence") or "not recorded",
    )


def _onnx(artifacts: Artifacts, model: str, export: Export, work: Path) -> Path:
    source = SOURCES[model]
    if source.onnx is None:
        return export(artifacts.current(source.place), work)
    name, file = source.onnx
    return artifacts.fetch(artifacts.current(name), file)


def _metrics(artifacts: Artifacts, source: Source) -> bytes:
    """What was measured on a model, in the form that the registry shows: a group of metrics with values.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
    """
    record = artifacts.current(source.place).record
    found = {
        f"{name}_{strength}": {"value": judged[name], "standard_deviation": "NaN"}
        for strength, judged in record.get("recall", {}).items()
        for name in ("recall_at_1", "recall_at_5")
        if name in judged
    }
    if "fidelity" in record:
        found["cosine_to_fp32"] = {"value": record["fidelity"]["mean"], "standard_deviation": "NaN"}
    return json.dumps({"multiclass_classification_metrics": found}, indent=1, sort_keys=True).encode()
