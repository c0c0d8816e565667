"""Floor *models*, second half: two small networks that only the edge runs, each trained by a program of ``learning``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets import show
from pcr_assets.assets.dataset import snapshot_files, training_snapshot
from pcr_assets.assets.declare import asset, materialized
from pcr_assets.assets.settings import outline_filter_config, printing_verifier_config
from pcr_assets.compute.resource import Compute
from pcr_assets.resources import runs
from pcr_assets.resources.artifacts import Artifact
from pcr_assets.resources.project import Project

if TYPE_CHECKING:
    import numpy as np


@asset(
    "models",
    layout.OUTLINE_FILTER,
    deps=[training_snapshot, outline_filter_config],
    kinds={"pytorch", "onnx"},
    code_version="3",
)
def outline_filter(project: Project, compute: Compute) -> dg.MaterializeResult:
    """A tiny network that tells outlines of whole cards from all others, so that the edge reads only those."""
    kept = ("threshold", "parameters", "scenes", "test")
    published, metrics, mistakes = _trained(project, compute, "outline_filter", layout.OUTLINE_FILTER, kept)
    return materialized(published, _filter_shown(metrics, mistakes))


@asset(
    "models",
    layout.PRINTING_VERIFIER,
    deps=[training_snapshot, printing_verifier_config],
    kinds={"pytorch", "onnx"},
    code_version="4",
)
def printing_verifier(project: Project, compute: Compute) -> dg.MaterializeResult:
    """A small network that tells a card from another printing with its artwork, so that the edge names no foreign one."""
    kept = ("threshold", "threshold_small", "parameters", "pairs", "test")
    published, metrics, mistakes = _trained(project, compute, "printing_verifier", layout.PRINTING_VERIFIER, kept)
    return materialized(published, _verifier_shown(metrics, mistakes))


def _trained(
    project: Project, compute: Compute, name: str, place: str, kept: tuple[str, ...]
) -> tuple[Artifact, dict[str, Any], Path]:
    """What the program of this name published, its metrics, of which ``kept`` stand in the record, and its worst mistakes."""
    artifacts = project.artifacts
    settings = project.settings.section(name)
    snapshot = artifacts.current(layout.SNAPSHOT)  # once: another may be current when the training ends
    identity = [settings, snapshot.digest]
    work = project.workdir(f"{name}-{digests.of_json(identity)[:16]}")
    job = {"settings": settings, **snapshot_files(artifacts, snapshot), "out": str(work)}
    watch = runs.Stopwatch(work)
    ran = compute.run(f"pcr_assets.learning.{name}", job, work)
    metrics = json.loads((work / "metrics.json").read_text())
    files = {file: work / file for file in (f"{name}.onnx", "metrics.json")}
    record = {key: metrics[key] for key in kept}
    published = artifacts.publish(place, files, digest=metrics["digest"], record=record, numbered=True)
    made_from = {"training_snapshot": snapshot.digest}
    about = {"hardware": ran.hardware, "settings": {"settings": settings}, "made_from": made_from}
    runs.keep(artifacts.store, watch.ended(name, published, **about))
    return published, metrics, work / "mistakes.npz"


def _filter_shown(metrics: dict[str, Any], mistakes: Path) -> dict[str, Any]:
    import numpy as np

    from pcr_assets.imaging import charts

    worst = np.load(mistakes)
    crops = [*worst["dropped"], *worst["kept"]]
    captions = [f"{name} {value:.2f}" for name in ("dropped", "kept") for value in worst[f"{name}_at"]]
    return {
        "threshold": metrics["threshold"],
        "parameters": metrics["parameters"],
        "test scenes": show.rows(
            {strength: _of_scenes(found) for strength, found in metrics["test"].items()}, "strength"
        ),
        "precision and recall": dg.MetadataValue.md(charts.trade(metrics["trade"])),
        "loss": show.curves({"loss": metrics["loss"]}, "training loss", "step"),
        "worst mistakes": show.pictures(crops, captions, "cards dropped, and outlines of no card kept"),
    }


def _of_scenes(found: dict[str, Any]) -> dict[str, Any]:
    """What became of the outlines of test scenes, in as many columns as a page shows."""
    return {
        "found": f"{found['cards found']} of {found['cards']}",
        "lost": found["cards lost"],
        "outlines": found["outlines"],
        "others kept": found["kept of those of no card"],
        "precision": found["precision"],
    }


def _of_pairs(found: dict[str, Any]) -> dict[str, str]:
    """What the verifier said of test pairs, in as many columns as a page shows."""
    return {f"{what} refused": f"{found[f'{what} refused']} of {found[what]}" for what in ("cards", "other printings")}


def _verifier_shown(metrics: dict[str, Any], mistakes: Path) -> dict[str, Any]:
    import numpy as np

    worst = np.load(mistakes)
    pairs = [_side_by_side(views) for name in ("refused", "taken") for views in worst[name]]
    captions = [f"{name} {value:.2f}" for name in ("refused", "taken") for value in worst[f"{name}_at"]]
    return {
        "threshold": metrics["threshold"],
        "threshold of small cards": metrics["threshold_small"],
        "parameters": metrics["parameters"],
        "test pairs": show.rows(
            {
                name: _of_pairs(found)
                for name, found in {**metrics["test"], "small cards": metrics["test small"]}.items()
            },
            "strength",
        ),
        "what differs": show.rows(metrics["test by way"], "from the card by its"),
        "loss": show.curves({"loss": metrics["loss"]}, "training loss", "step"),
        "worst mistakes": show.pictures(pairs, captions, "cards refused, and other printings taken for the card"),
    }


def _side_by_side(views: "np.ndarray") -> "np.ndarray":
    """A card and its picture as the verifier saw them, uint8 RGB."""
    import numpy as np

    grey = (128 + 48 * np.hstack(list(views)).astype(np.float32)).clip(0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
