"""Floor *dataset*: what models learn from and what compilers calibrate on. Pinned: new cards don't move it by themselves."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets import show
from pcr_assets.assets.cards import processed_cards, read_scans
from pcr_assets.assets.declare import asset, materialized, observed, say
from pcr_assets.assets.settings import calibration_config, snapshot_config, student_config
from pcr_assets.cards.settings import CalibrationSettings, SnapshotSettings
from pcr_assets.resources.artifacts import Artifact, Artifacts, PublishedFile
from pcr_assets.resources.project import Project

if TYPE_CHECKING:
    import pyarrow as pa

JUDGED = (layout.SNAPSHOT, layout.STAGE2, layout.ONNX, layout.INT8)
"""What the report's verdict on new sets is about: of another one of these it says nothing."""
SHOWN = 24
TABLE = "snapshot.parquet"
LEARNT = "learnt"
"""Entry of the snapshot's record: the version of ``sets_to_learn`` by which it moved last."""


@observed("dataset", kinds={"json"}, follows="recognition_report")
def sets_to_learn(project: Project) -> dg.ObserveResult:
    """Sets that came after the training snapshot and that the report finds recognised worse than test cards: it moves by them.

    Reads two pointers of the store. Its version is that of the verdict, and stays so once the snapshot has moved by it: what was
    acted upon is no news.
    """
    found = _new_sets(project)
    metadata = {"sets": ", ".join(found.worse) or "none", "why": found.said}
    return dg.ObserveResult(data_version=dg.DataVersion(found.version), metadata=metadata)


class _NewSets(NamedTuple):
    """The verdict on new sets: its version, the sets to learn, if any, and why or why none."""

    version: str
    worse: tuple[str, ...]
    said: str


def _new_sets(project: Project) -> _NewSets:
    """The verdict that the snapshot is to move by. Where there is none, its version is that of the last one that it moved by."""

    artifacts = project.artifacts
    snapshot, report = artifacts.named(layout.SNAPSHOT), artifacts.named(layout.REPORT)
    learnt = snapshot.record.get(LEARNT, "none") if snapshot else "none"
    judged = report.record if report else {}
    found = judged.get("recognised worse")
    if not found:
        return _NewSets(learnt, (), "no report has asked about new sets yet")
    said = f"by the last report, of {judged['cards']:,} cards, {found['said']}"  # it holds while few cards come
    if not found["sets"]:
        return _NewSets(learnt, (), said)
    if found["asked of"] != {place: now.digest for place in JUDGED if (now := artifacts.named(place))}:
        return _NewSets(learnt, (), "the report is of other models or of another snapshot than these")
    if not SnapshotSettings(**project.settings.section("snapshot")).move_for_new_sets:
        return _NewSets(learnt, (), f"{said}; but snapshot.move_for_new_sets is off")
    return _NewSets(digests.of_json([found["sets"], found["asked of"]]), tuple(found["sets"]), said)


@asset(
    "dataset",
    layout.SNAPSHOT,
    deps=[processed_cards, sets_to_learn, snapshot_config],
    kinds={"parquet"},
    code_version="1",
)
def training_snapshot(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """The cards that models learn from, split by art into train, validation and test cards.

    It moves when the gallery has outgrown it, when the report finds new sets recognised worse than test cards, or when a new
    generation or other shares are asked for; else it publishes the same bytes.
    The shards that it pins stay as they were, whatever became of their set since. If files of the last one are lost, it is made
    again from what is left, or moves and says so.
    """
    from pcr_assets.cards import snapshot
    from pcr_assets.cards.processed import groups_of

    settings = SnapshotSettings(**project.settings.section("snapshot"))
    artifacts = project.artifacts
    processed = artifacts.current(layout.PROCESSED)
    before, lost = _last(artifacts, processed, settings)
    if before is None and not lost and context.instance.get_latest_materialization_event(context.asset_key):
        lost = f"the last one is lost, for {layout.SNAPSHOT}/current.json is gone from the store"
    rows = read_scans(artifacts, processed).table
    sets = dict(zip(rows["card_id"].to_pylist(), rows["set"].to_pylist(), strict=True))
    pinned = _pinned(artifacts, before) if before else None
    new_sets = _new_sets(project)
    generation = before.record["generation"] if before else None
    moved, why = snapshot.reason_to_move(settings, pinned, sets, generation, new_sets.worse, new_sets.said)
    why = lost or why
    say(context, f"training snapshot {'moved' if moved else 'stays'}: {why}")
    told = {"moved": moved, "why": why}
    if before and not moved:
        return materialized(before, {**told, **_counts(before.record)})
    table = snapshot.pin(rows.to_pylist(), groups_of(processed.record, list(sets)), settings)
    shards = sorted(entry["file"] for entry in processed.record["sets"].values())
    record = {
        "generation": settings.generation,
        "why": why,
        "splits": {split: table["split"].to_pylist().count(split) for split in ("train", "validation", "test")},
        "shards": shards,
        LEARNT: new_sets.version,
    }
    published = _published(artifacts, table, record, {name: processed.files[name] for name in shards})
    return materialized(published, {**told, **_counts(record)})


def _last(artifacts: Artifacts, processed: Artifact, settings: SnapshotSettings) -> tuple[Artifact | None, str]:
    """The last snapshot; None where there was none, or where files of it are lost: then also which.

    The table alone is made again from the shards that it pinned, where that gives the same one.
    """
    from pcr_assets.cards import snapshot
    from pcr_assets.cards.processed import groups_of, read_cards

    before, there = artifacts.named(layout.SNAPSHOT), artifacts.remains(layout.SNAPSHOT)
    if not before or not there:
        return None, ""
    lost = sorted(before.files.keys() - there.files.keys())
    if not lost:
        return before, ""
    if lost == [TABLE]:
        scans = read_cards({name: artifacts.fetch(before, name) for name in before.record["shards"]})
        groups = groups_of(processed.record, scans["card_id"].to_pylist())
        table = snapshot.pin(scans.to_pylist(), groups, settings)
        if digests.of_json(table.to_pylist()) == before.digest:
            return _published(artifacts, table, before.record, there.files), ""
    more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    return None, f"of the last one {before.files[lost[0]].key}{more} is lost"


def _published(
    artifacts: Artifacts, table: "pa.Table", record: Mapping[str, Any], kept: Mapping[str, PublishedFile]
) -> Artifact:
    """Publish a snapshot of a table, which pins the shards in ``kept``."""
    from pcr_assets.cards import snapshot

    buffer = io.BytesIO()
    snapshot.write(table, buffer)
    digest = digests.of_json(table.to_pylist())
    return artifacts.publish(layout.SNAPSHOT, {TABLE: buffer.getvalue()}, kept=kept, digest=digest, record=record)


def _pinned(artifacts: Artifacts, snapshot: Artifact) -> "pa.Table":
    import pyarrow.parquet as pq

    return pq.read_table(artifacts.fetch(snapshot, TABLE), columns=["card_id", "art_group", "split"])


def _counts(record: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{split} scans": count for split, count in record["splits"].items()}


def snapshot_files(artifacts: Artifacts, pinned: Artifact | None = None) -> dict[str, Any]:
    """The local files of a snapshot, the current one unless named, as a training job names them: ``snapshot`` and ``shards``."""
    pinned = pinned or artifacts.current(layout.SNAPSHOT)
    shards = artifacts.fetch_files(pinned.files[file] for file in pinned.record["shards"])
    return {"snapshot": str(artifacts.fetch(pinned, TABLE)), "shards": [str(path) for path in shards]}


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
    shown = range(0, settings.count, max(1, settings.count // SHOWN))[:SHOWN]
    look = [arrays["calibration.npy"][at] for at in shown]
    captions = [picked[at % len(picked)]["card_id"] for at in shown]
    return materialized(
        published,
        {**record, "size": f"{width} × {height}", "pictures": show.pictures(look, captions, "calibration crops")},
    )
