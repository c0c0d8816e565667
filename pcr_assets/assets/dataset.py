"""Floor *dataset*: what models learn from and what compilers calibrate on. Pinned: new cards don't move it by themselves."""

import io
from typing import Any

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets import show
from pcr_assets.assets.cards import processed_cards, read_scans
from pcr_assets.assets.declare import asset, materialized
from pcr_assets.assets.settings import calibration_config, snapshot_config, student_config
from pcr_assets.resources.artifacts import Artifact, Artifacts
from pcr_assets.resources.project import Project


@asset("dataset", layout.SNAPSHOT, deps=[processed_cards, snapshot_config], kinds={"parquet"}, code_version="1")
def training_snapshot(project: Project) -> dg.MaterializeResult:
    """The cards that models learn from, split by art into train, validation and test cards.

    It moves when the gallery has outgrown it, or when a new generation or other shares are asked for; else it publishes the same
    bytes.
    The shards that it pins stay as they were, whatever became of their set since.
    """
    from pcr_assets.cards import snapshot
    from pcr_assets.cards.processed import groups_of
    from pcr_assets.cards.settings import SnapshotSettings

    settings = SnapshotSettings(**project.settings.section("snapshot"))
    artifacts = project.artifacts
    processed, before = artifacts.current(layout.PROCESSED), artifacts.find(layout.SNAPSHOT)
    rows = read_scans(artifacts, processed).table
    card_ids = rows["card_id"].to_pylist()
    pinned = _pinned(artifacts, before) if before else None
    why = snapshot.reason_to_move(settings, pinned, card_ids, before.record["generation"] if before else None)
    if before and why is None:
        return materialized(before, {"moved": False, **_counts(before.record)})
    table = snapshot.pin(rows.to_pylist(), groups_of(processed.record, card_ids), settings)
    shards = sorted(entry["file"] for entry in processed.record["sets"].values())
    record = {
        "generation": settings.generation,
        "why": why,
        "splits": {split: table["split"].to_pylist().count(split) for split in ("train", "validation", "test")},
        "shards": shards,
    }
    buffer = io.BytesIO()
    snapshot.write(table, buffer)
    digest = digests.of_json(table.to_pylist())
    files = {"snapshot.parquet": buffer.getvalue()}
    kept = {name: processed.files[name] for name in shards}
    published = artifacts.publish(layout.SNAPSHOT, files, kept=kept, digest=digest, record=record)
    return materialized(published, {"moved": True, "why": why, **_counts(record)})


def _pinned(artifacts: Artifacts, snapshot: Artifact) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(artifacts.fetch(snapshot, "snapshot.parquet"), columns=["card_id", "art_group", "split"])


def _counts(record: Any) -> dict[str, Any]:
    return {f"{split} scans": count for split, count in record["splits"].items()}


def snapshot_files(artifacts: Artifacts, pinned: Artifact | None = None) -> dict[str, Any]:
    """The local files of a snapshot, the current one unless named, as a training job names them: ``snapshot`` and ``shards``."""
    pinned = pinned or artifacts.current(layout.SNAPSHOT)
    shards = [str(artifacts.fetch(pinned, file)) for file in pinned.record["shards"]]
    return {"snapshot": str(artifacts.fetch(pinned, "snapshot.parquet")), "shards": shards}


@asset(
    "dataset",
    layout.CALIBRATION,
    deps=[training_snapshot, calibration_config, student_config],
    kinds={"numpy"},
    code_version="1",
)
def calibration_set(project: Project) -> dg.MaterializeResult:
    """Camera-like crops of training cards of all sets, uint8 N×H×W×3 as compilers want them, and clean cards for comparing."""
    import numpy as np
    import pyarrow.parquet as pq

    from pcr_assets.cards import calibration
    from pcr_assets.cards.reader import CardImages
    from pcr_assets.cards.settings import CalibrationSettings

    settings = CalibrationSettings(**project.settings.section("calibration"))
    width, height = project.settings.section("student")["input_size"]
    source = snapshot_files(project.artifacts)
    cards = CardImages(source["shards"])
    train = pq.read_table(source["snapshot"], filters=[("split", "=", "train")]).to_pylist()
    picked = [
        train[row] for row in calibration.stratified([row["set"] for row in train], settings.count, settings.seed)
    ]
    rows = [cards.row(row["card_id"], row["view"]) for row in picked]
    arrays = {
        "calibration.npy": calibration.crops(cards, rows, (width, height), settings),
        "check.npy": calibration.clean_cards(cards, rows[:: max(1, len(rows) // settings.check)], (width, height)),
    }
    record = {"crops": len(arrays["calibration.npy"]), "cards": len(set(rows)), "size": [width, height]}
    with project.passing_workdir() as work:
        for name, array in arrays.items():
            np.save(work / name, array)
        files = {name: work / name for name in arrays}
        published = project.artifacts.publish(
            layout.CALIBRATION, files, digest=digests.of_arrays(arrays), record=record
        )
    look = arrays["calibration.npy"][:: max(1, settings.count // 24)][:24]
    captions = [picked[at % len(picked)]["card_id"] for at in range(0, settings.count, max(1, settings.count // 24))][
        :24
    ]
    return materialized(
        published,
        {**record, "size": f"{width} × {height}", "pictures": show.pictures(list(look), captions, "calibration crops")},
    )
