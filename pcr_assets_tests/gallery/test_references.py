"""Reference pictures: an archive a set, the same bytes for the same cards, and keys as the index has them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from edge_runtime.geometry import whole_card
from edge_runtime.judging.features import features
from edge_runtime.judging.references import SIZE, References
from edge_runtime.judging.second_look import agreement
from pcr_assets.gallery.keys import card_key
from pcr_assets.gallery.references import inputs_digest, write_archive
from pcr_assets_tests.cards.drawn import card, encoded


def write_shard(path, cards):
    """A processed shard with one drawn card for each (card_id, view)."""
    pictures = [encoded(picture, "JPEG", quality=95) for picture in cards.values()]
    ids, views = zip(*cards, strict=True)
    pq.write_table(pa.table({"card_id": ids, "view": pa.array(views, pa.int32()), "image": pictures}), path)
    return path


def test_the_edge_finds_each_view_of_each_card_by_its_key(tmp_path):
    drawn = {("base1-1", 0): card(1), ("base1-1", 1): card(2), ("base1-2", 0): card(3)}
    assert write_archive(write_shard(tmp_path / "base1.parquet", drawn), tmp_path / "base1.zip") == 3
    references = References([tmp_path / "base1.zip"])
    pictures = {view: references.picture(card_key(*view)) for view in drawn}
    assert {picture.shape for picture in pictures.values()} == {(SIZE[1], SIZE[0], 3)}
    for view, scan in drawn.items():
        apart = {
            other: np.abs(picture - whole_card(scan, SIZE).astype(int)).mean() for other, picture in pictures.items()
        }
        assert min(apart, key=apart.get) == view
        there = features(whole_card(scan, SIZE))
        near = {other: agreement(there, references.features(card_key(*other)))[0] for other in drawn}
        assert max(near, key=near.get) == view


def test_the_same_cards_give_the_same_archive(tmp_path):
    shard = write_shard(tmp_path / "base1.parquet", {("base1-1", 0): card(1)})
    for name in ("a.zip", "b.zip"):
        write_archive(shard, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_other_cards_make_an_archive_stale():
    assert inputs_digest("a") != inputs_digest("b")
