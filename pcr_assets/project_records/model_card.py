"""A model card for each model: Hugging Face's format, YAML above Markdown, with the curve and the confusions as pictures.

The format is that of https://huggingface.co/docs/hub/model-cards: the card of a repository is its README.md. Writing it
takes a YAML dump, so the library that also uploads cards is not needed.
"""

from collections.abc import Mapping
from typing import Any

import yaml

from pcr_assets.project_records.manifest import ProjectManifest
from pcr_assets.project_records.models import CURRENT, NOT_BUILT, TRANSITIONAL, WITHOUT_EMBEDDING, ModelRecord

LICENCES = {"apache-2.0": "apache-2.0", "mit": "mit", "dinov3 license": "other"}
"""Licences by the ids of the hub; any other is ``other`` with its name."""
LIBRARIES = {"safetensors": "timm", "onnx": "onnx"}
TASK = {"type": "image-feature-extraction", "name": "Recognising a card by its nearest scan"}
USES = {
    "teacher": "It teaches the student. It is not released to devices.",
    "student": "It is a step on the way to the exports, which answer.",
    "export": "It answers: on a device, a server or a laptop, through edge_runtime.",
    "detector": "It tells outlines of whole cards from all others, before a card is read.",
    "verifier": "It tells a card from another printing with the same artwork, before it is named.",
}


def files(manifest: ProjectManifest, pictures: Mapping[str, Mapping[str, bytes]]) -> dict[str, bytes]:
    """All cards with their pictures: keys of the store and bytes. ``pictures``: PNGs by file name, by model."""
    found: dict[str, bytes] = {}
    for name, model in manifest.models.items():
        drawn = pictures.get(name, {})
        found[f"{model.folder}/README.md"] = card(name, model, manifest, sorted(drawn)).encode()
        found |= {f"{model.folder}/card/{file}": data for file, data in drawn.items()}
    return found


def card(name: str, model: ModelRecord, manifest: ProjectManifest, pictures: list[str]) -> str:
    """One card. ``pictures`` are the files in the folder ``card`` beside it."""
    recall = manifest.recall_of(name)
    above = yaml.safe_dump(_metadata(name, model, recall), sort_keys=False, allow_unicode=True, width=120)
    return "\n".join(
        [
            "---",
            f"{above}---",
            "",
            f"# {name} {model.version}",
            "",
            _status(model),
            "",
            f"- Architecture: {model.architecture or 'not recorded'}",
            f"- Parameters: {f'{model.parameters:,}' if model.parameters else 'not recorded'}",
            f"- Embedding: {f'{model.embedding_dim} numbers, unit length' if model.embedding_dim else 'none, or not recorded'}",
            f"- Input: {_input(model)}",
            f"- Made from: {model.parent_model or 'nothing of this project'}"
            f"{f' by {model.relationship}' if model.relationship and model.parent_model else ''}",
            f"- Licence: {model.licence or 'not recorded'}; what is distilled from a teacher carries the teacher's",
            f"- Digest: `{model.digest}`",
            "",
            "## Use",
            "",
            USES[model.type],
            "Cards that the gallery does not hold must be refused: thresholds travel with a release, and are not part of a model.",
            "",
            "## How well",
            "",
            *_measured(model, recall, whole=bool(manifest.answers_of(name))),
            *[f"\n![{file.partition('.')[0].replace('-', ' ')}](card/{file})" for file in pictures],
            "",
            "Queries are test cards, never trained on, seen by a simulated camera. Only labelled photos may be called accuracy.",
            "",
            "## Training",
            "",
            *_training(model),
            "",
            "## Files",
            "",
            "| file | bytes | SHA-256 |",
            "|---|---|---|",
            *[f"| {file} | {entry.size:,} | `{entry.sha256}` |" for file, entry in model.files.items()],
            "",
        ]
    )


def _metadata(name: str, model: ModelRecord, recall: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    licence = (model.licence or "").lower()
    hub = LICENCES.get(licence, "other")
    about: dict[str, Any] = {"license": hub}
    if hub == "other":
        about |= {"license_name": (licence or "not recorded").replace(" ", "-"), "license_link": "LICENSE"}
    library = next((LIBRARIES[form] for form in model.formats if form in LIBRARIES), None)
    about |= {"library_name": library} if library else {}
    about |= {"tags": ["image-retrieval", "trading-cards", model.type], "metrics": ["recall"]}
    if model.type not in WITHOUT_EMBEDDING:
        about["pipeline_tag"] = TASK["type"]
    results = [
        {
            "task": dict(TASK),
            "dataset": {"type": "cards", "name": f"test cards, {strength} camera", "split": "test"},
            "metrics": [{"type": "recall", "name": "recall@1", "value": round(judged["recall_at_1"], 4)}],
        }
        for strength, judged in recall.items()
    ]
    return about | ({"model-index": [{"name": name, "results": results}]} if results else {})


def _status(model: ModelRecord) -> str:
    said = {
        CURRENT: "This version is current.",
        TRANSITIONAL: "Transitional: its checkpoints were not kept.",
        NOT_BUILT: f"Not built: {model.note}.",
    }
    return said[model.status] + (f" Adopted: {model.note}." if model.note and model.status != NOT_BUILT else "")


def _input(model: ModelRecord) -> str:
    if model.input_size is None:
        return "not recorded"
    width, height = model.input_size
    return f"uint8 RGB, {height} rows of {width} pixels, a card rectified border to border; normalisation is inside"


def _measured(model: ModelRecord, recall: Mapping[str, Mapping[str, Any]], *, whole: bool) -> list[str]:
    of = "whole answers in the whole gallery" if whole else "search alone, among test cards and training cards"
    rows = [
        f"| {strength} | {found['recall_at_1']:.1%} | {found['low']:.1%} to {found['high']:.1%} | {found.get('queries', '')} |"
        for strength, found in recall.items()
        if "low" in found
    ]
    lines = (
        [f"Recall@1, {of}:", "", "| camera | recall@1 | 95 % interval | queries |", "|---|---|---|---|", *rows]
        if rows
        else []
    )
    if "fidelity" in model.metrics:
        lines += ["", f"Mean cosine to the FP32 model on check pictures: {model.metrics['fidelity']['mean']:.4f}."]
    if "parity" in model.metrics:
        least = min(found["minimum"] for found in model.metrics["parity"].values())
        lines += ["", f"Least cosine to torch: {least:.6f}."]
    return lines or ["Nothing was measured on it, or it is not recorded."]


def _training(model: ModelRecord) -> list[str]:
    config = model.training_config
    unpaid = "not recorded" if config.seconds is None else "nobody was paid"
    cost = unpaid if config.cost_usd is None else f"${config.cost_usd:,.2f} ({config.cost_source})"
    lines = [
        f"- Day: {model.training_date or 'not recorded'}; steps: {config.steps or 'not recorded'}; "
        f"seconds: {config.seconds if config.seconds is not None else 'not recorded'}; cost: {cost}",
        f"- Machine: {_machine(model)}",
    ]
    if config.settings:
        settings = yaml.safe_dump(config.settings, sort_keys=True, width=110, default_flow_style=None)
        lines += ["", "```yaml", settings.rstrip(), "```"]
    return lines


def _machine(model: ModelRecord) -> str:
    hardware = model.training_config.hardware
    if not hardware:
        return model.training_config.instance or "not recorded"
    chips = ", ".join(hardware.get("accelerators") or []) or "no accelerator"
    return f"{hardware.get('instance') or 'own machine'}: {hardware.get('processor')}, {hardware.get('threads')} threads, {chips}"
