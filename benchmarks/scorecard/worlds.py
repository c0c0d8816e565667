"""What a benchmark works on when it is given nothing: rendered cards, as the floors below would hand them on."""

from pathlib import Path
from typing import Any

from pcr_assets.cards import snapshot
from pcr_assets.cards.listing import list_scans
from pcr_assets.cards.settings import SnapshotSettings
from pcr_assets.cards.shards import build_shard, write_table
from pcr_assets.imaging.sample.rendering import render
from pcr_assets.resources.store import open_store


def snapshot_of_samples(folder: Path, sets: int = 4, cards_per_set: int = 32) -> dict[str, Any]:
    """Render cards, clean them, pin a snapshot: the files ``snapshot`` and ``shards`` as a training job names them."""
    render(folder / "samples", sets=sets, cards_per_set=cards_per_set, strangers=1)
    raw = open_store(str(folder / "samples" / "card_images"))
    listing, rows, shards = list_scans(raw.list(), {}), [], []
    for set_id, scans in listing.scans.items():
        shard = build_shard(set_id, scans, raw, workers=2)
        write_table(shard.table, folder / shard.file_name)
        shards.append(str(folder / shard.file_name))
        rows += shard.table.to_pylist()
    groups = {row["card_id"]: row["card_id"] for row in rows}
    pinned = snapshot.pin(rows, groups, SnapshotSettings())
    snapshot.write(pinned, folder / "snapshot.parquet")
    return {"snapshot": str(folder / "snapshot.parquet"), "shards": shards}
