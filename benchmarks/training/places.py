"""Where a training benchmark's cards and models lie: in a store, or in folders of a machine that has no Dagster."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch

from edge_runtime.terminal import thread_count
from pcr_assets import layout
from pcr_assets.cards.reader import CardImages

STAGES = {
    layout.TEACHER: "teacher",
    layout.STAGE1: "stage1",
    layout.UNDISTILLED: "undistilled",
    layout.STAGE2: "stage2",
}
Models = Callable[[str], dict[str, str]]
"""The files of a trained model, ``weights`` and ``model``, by its place in the layout."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the cards lie, and how the machine is used."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--store", help="a store with processed cards and a training snapshot")
    where.add_argument("--cards", type=Path, help="a folder with snapshot.parquet and shards/*.parquet")
    parser.add_argument("--sets", nargs="+", help="the cards of these sets alone")
    parser.add_argument("--threads", type=thread_count, default=2, help="of each training")
    parser.add_argument("--at-once", type=int, default=1, help="trainings side by side (default: one)")


def cards_of(store: str | None, cards: Path | None, sets: Sequence[str] | None, out: Path) -> dict[str, Any]:
    """The files of the cards, as a job names them; a snapshot of some sets alone is written into ``out``.

    Raises SystemExit with the cure when they are not there.
    """
    files = _in_folder(cards) if cards is not None else _in_store(str(store))
    if sets:
        files["snapshot"] = str(_some(Path(files["snapshot"]), sets, out))
    named = pq.read_table(files["snapshot"], columns=["card_id", "view"]).to_pylist()
    there = {(row["card_id"], row["view"]) for row in CardImages(files["shards"]).scans.to_pylist()}
    if lacking := [row["card_id"] for row in named if (row["card_id"], row["view"]) not in there]:
        raise SystemExit(
            f"the shards lack {len(lacking)} of {len(named)} scans that {files['snapshot']} names, {lacking[0]} among them: copy "
            "the shards of all sets, or name those that are there by --sets"
        )
    return files


def _in_folder(cards: Path) -> dict[str, Any]:
    shards = sorted(str(shard) for shard in (cards.absolute() / "shards").glob("*.parquet"))
    snapshot = cards.absolute() / "snapshot.parquet"
    if not shards or not snapshot.is_file():
        raise SystemExit(f"{cards} has no snapshot.parquet or no shards/*.parquet: copy them out of a store")
    return {"snapshot": str(snapshot), "shards": shards}


def _in_store(store: str) -> dict[str, Any]:
    from pcr_assets.assets.dataset import snapshot_files  # Dagster need not be where the cards lie in a folder
    from pcr_assets.resources.project import Project
    from pcr_assets.resources.store import StoreError

    try:
        return dict(snapshot_files(Project(store=store).artifacts))
    except StoreError as error:
        raise SystemExit(f"{store}: {error}") from error


def _some(snapshot: Path, sets: Sequence[str], out: Path) -> Path:
    rows = pq.read_table(snapshot)
    if unknown := set(sets) - set(rows["set"].to_pylist()):
        raise SystemExit(f"{snapshot} has no set {', '.join(sorted(unknown))}")
    out.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows.filter(pc.is_in(rows["set"], pa.array(sets))), out / "snapshot.parquet")
    return out / "snapshot.parquet"


def models_in(folder: Path) -> Models:
    """The models that ``gpu_training.py --out FOLDER`` has left."""

    def files(name: str) -> dict[str, str]:
        place = folder.absolute() / STAGES[name]
        return {"weights": str(place / "weights.safetensors"), "model": str(place / "model.json")}

    return files


def models_of(store: str) -> Models:
    """The models of a store. Raises SystemExit with the cure when one is not there."""
    from pcr_assets.assets.models import model_files
    from pcr_assets.resources.project import Project
    from pcr_assets.resources.store import StoreError

    project = Project(store=store)

    def files(name: str) -> dict[str, str]:
        try:
            return model_files(project.artifacts, name)
        except StoreError as error:
            raise SystemExit(f"{store}: {error}") from error

    return files


def device() -> str:
    """What trains here, in words."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
