"""Fixtures of this room."""

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pcr_assets.imaging.sample import render_card, specs
from pcr_assets_tests.small_student import student

__all__ = ["snapshot", "student"]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """Twenty-four rendered cards in a shard, and a snapshot that splits them: half to learn from."""
    folder = tmp_path_factory.mktemp("rendered")
    rows = [
        {
            "card_id": card.card_id,
            "view": 0,
            "set": "s",
            "number": str(at),
            "name": str(at),
            "pixel_digest": str(at),
            "image": cv2.imencode(".jpg", cv2.resize(render_card(card.design), (252, 352))[..., ::-1])[1].tobytes(),
        }
        for at, card in enumerate(specs(sets=2, cards_per_set=12))
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "shard.parquet")
    pinned = [
        {**row, "art_group": row["card_id"], "split": ("train", "train", "validation", "test")[at % 4]}
        for at, row in enumerate(rows)
    ]
    pq.write_table(pa.Table.from_pylist(pinned).drop(["image"]), folder / "snapshot.parquet")
    return folder
