"""Models that were made elsewhere: which version of each is the newest, whether this pipeline can go on from it, and why not.

No pickle is opened. A model of ours is weights in safetensors and a spec in model.json; anything else is recorded with its
digests and what the old manifest says of it, so that it is not trained again, but nothing can be exported from it.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pcr_assets import digests, layout
from pcr_assets.adopt.survey import Finding, Verdict
from pcr_assets.learning.spec import ModelSpec
from pcr_assets.project_records.models import KNOWN, TRANSITIONAL, Known
from pcr_assets.resources.artifacts import Artifact, Artifacts, PublishedFile, number_of
from pcr_assets.resources.store import Missing, Store
from pcr_assets.resources.stored import Stored
from pcr_assets.settings import mistakes

TRAINED = (layout.TEACHER, layout.STAGE1, layout.STAGE2)
"""What would be trained, were it not there."""
WEIGHTS, SPEC, METRICS = "weights.safetensors", "model.json", "metrics.json"
OTHER_NAMES = {"efficientnet-hailo": ("efficientnet-hailo-optimized",)}
OWN_FORM = "weights and spec of this pipeline's own form"
WHY = {
    ".pt": "a pickle runs code when it is opened, so it is not",
    ".gz": "an archive of pickles and exports",
    ".onnx": "an export: it may take other pixels than uint8 cards, and nothing can be trained from it",
    ".hef": "compiled for a chip: it is compiled again from the student",
}


@dataclass(frozen=True)
class Found:
    """A version of a model, with what would be recorded of it. ``files``: sizes by name, nothing read yet."""

    known: Known
    version: str
    files: Mapping[str, int]
    usable: bool
    reason: str
    says: Mapping[str, Any]

    @property
    def finding(self) -> Finding:
        """This version in the report."""
        path, size = f"{self.known.place}/{self.version}/", sum(self.files.values())
        if self.known.place not in TRAINED:
            return Finding(
                path, Verdict.LEFT, f"{self.reason}; a refresh makes the next version", len(self.files), size
            )
        return Finding(path, Verdict.FITS if self.usable else Verdict.RECORDED, self.reason, len(self.files), size)


def find(store: Store, stored: Iterable[Stored], has_pointer: frozenset[str]) -> list[Found]:
    """The newest version of each model that has no pointer of ours. ``has_pointer``: places that have one."""
    versions: defaultdict[str, defaultdict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for entry in stored:
        for known in KNOWN:
            version, _, file = entry.key.removeprefix(f"{known.place}/").partition("/")
            if entry.key.startswith(f"{known.place}/") and number_of(version) and file:
                versions[known.place][version][file] = entry.size
    says = _old_manifest(store)
    found = []
    for known in KNOWN:
        if known.place in has_pointer:
            continue
        told: Mapping[str, Any] = next(
            (says[name] for name in (known.name, *OTHER_NAMES.get(known.name, ())) if name in says), {}
        )
        there: Mapping[str, Mapping[str, int]] = versions.get(known.place, {})
        version = (
            max(there, key=lambda version: number_of(version) or (0, 0)) if there else str(told.get("version") or "")
        )
        if number_of(version):
            found.append(_judge(known, version, there.get(version, {}), told))
    return found


def _old_manifest(store: Store) -> dict[str, Any]:
    """What a manifest that lies there says of models; nothing where there is none, or none that reads."""
    try:
        models = json.loads(store.read("metadata/project_manifest.json")).get("models", {})
        return {name: told for name, told in models.items() if isinstance(told, dict)}
    except (Missing, ValueError, AttributeError):
        return {}


def _judge(known: Known, version: str, files: Mapping[str, int], told: Mapping[str, Any]) -> Found:
    if not files:
        return Found(known, version, {}, False, f"{TRANSITIONAL}: its files were not kept", told)
    if WEIGHTS in files and SPEC in files:
        return Found(known, version, files, True, OWN_FORM, told)
    lacks = " and ".join(name for name in (WEIGHTS, SPEC) if name not in files)
    why = sorted({reason for ending, reason in WHY.items() if any(name.endswith(ending) for name in files)})
    return Found(
        known, version, files, False, f"lacks {lacks}; {'; '.join(why) or 'files of a form that is not known'}", told
    )


def adopt(artifacts: Artifacts, found: Found) -> Artifact:
    """Make a version current where it lies: every file is read once for its digest. Raises StoreError."""
    names = {name: f"{found.known.place}/{found.version}/{name}" for name in sorted(found.files)}
    paths = {name: artifacts.store.fetch(key) for name, key in names.items()}
    files = {n: PublishedFile(key, digests.of_file(paths[n]), paths[n].stat().st_size) for n, key in names.items()}
    spec, reason = _spec(paths) if found.usable else (None, found.reason)
    record: dict[str, Any] = {"adopted": {"from": f"{found.known.place}/{found.version}", **_said(found, reason)}}
    if spec:
        from pcr_assets.learning.weights import tensor_digest

        metrics = _metrics(paths)
        digest = digests.of_json([tensor_digest(paths[WEIGHTS]), spec])
        record |= {name: metrics[name] for name in ("parameters", "steps") if name in metrics}
        record |= {"backbone": spec["backbone"], "teacher_license": _licence(artifacts, found, spec)}
    else:
        digest = digests.of_json({name: file.sha256 for name, file in files.items()} or {"transitional": found.version})
        record["teacher_license"] = "not recorded"
    artifact = Artifact(found.known.place, found.version, digest, files, record)
    artifacts.adopt(artifact)
    return artifact


def _spec(paths: Mapping[str, Path]) -> tuple[dict[str, Any] | None, str]:
    """What ``model.json`` says, or None, and why: only now the files are read, which were told from others by their names."""
    from safetensors import SafetensorError, safe_open

    try:
        spec: dict[str, Any] = dict(json.loads(paths[SPEC].read_text()))
        with safe_open(paths[WEIGHTS], "numpy"):
            _ = spec["backbone"]
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        return None, f"{WEIGHTS} and {SPEC} are not of this pipeline's form ({error!r})"
    if wrong := mistakes(ModelSpec, spec, SPEC):
        return None, f"{SPEC} is not of this pipeline's form ({'; '.join(wrong)})"
    return spec, OWN_FORM


def _metrics(paths: Mapping[str, Path]) -> dict[str, Any]:
    """What ``metrics.json`` says; nothing where there is none, or none that reads."""
    try:
        return dict(json.loads(paths[METRICS].read_text()))
    except (KeyError, ValueError, TypeError):
        return {}


def _said(found: Found, reason: str) -> dict[str, Any]:
    """What the old manifest said, as far as the new one has a field for it: of another form it would let no manifest be written."""
    told, words = found.says, ("architecture", "training_date", "registry_arn", "registry_status")
    said: dict[str, Any] = {name: told[name] for name in words if isinstance(told.get(name), str)}
    if isinstance(arn := told.get("model_package_arn"), str) and arn:
        said["registry_arn"] = arn
    numbers = {name: _whole(told.get(name)) for name in ("embedding_dim", "parameters")}
    return {**said, **{name: number for name, number in numbers.items() if number is not None}, "reason": reason}


def _whole(value: Any) -> int | None:
    """``304M`` and ``4.7M`` as numbers: that is how the old manifest writes them."""
    try:
        text = str(value).strip().upper()
        return round(float(text.removesuffix("M")) * (1e6 if text.endswith("M") else 1))
    except (ValueError, OverflowError):
        return None


def _licence(artifacts: Artifacts, found: Found, spec: Mapping[str, Any]) -> str:
    """A student carries its teacher's licence."""
    teacher = None if found.known.place == layout.TEACHER else artifacts.find(layout.TEACHER)
    return str((teacher.record.get("teacher_license") if teacher else None) or spec.get("licence") or "not recorded")
