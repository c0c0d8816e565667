"""Shards: what a set's scans become, what is refused, and when the content is the same."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from pcr_assets.cards.shards import build_shard, inputs_digest, known_rows, made_of, write_table
from pcr_assets.imaging.sample import bad_files
from pcr_assets.resources.store import FolderStore, Replaced
from pcr_assets_tests.cards.drawn import card, encoded, listed, raw_folder


def shard_of(raw: FolderStore, set_id: str = "base1", workers: int = 2):
    return build_shard(set_id, listed(raw).scans[set_id], raw, workers)


def test_a_shard_holds_the_cards_in_the_order_of_their_ids(tmp_path):
    shard = shard_of(raw_folder(tmp_path, base1_4=card(4), base1_2=card(2)))
    assert shard.table["card_id"].to_pylist() == ["base1-2", "base1-4"]
    assert shard.table["name"].to_pylist() == ["Drawn", "Drawn"]
    assert (shard.table["width"][0].as_py(), shard.table["height"][0].as_py()) == (126, 176)
    assert not shard.rejects


@pytest.mark.parametrize("sizes", [((126, 176), (252, 352)), ((252, 352), (126, 176))])
def test_two_scans_of_a_card_are_two_views_the_larger_first_whatever_they_are_called(tmp_path, sizes):
    raw = raw_folder(tmp_path)
    for key, size in zip(("base1-4_Drawn.png", "Drawn-en_base_base1_4_high.png"), sizes, strict=True):
        raw.write(key, encoded(card(4, size)))
    rows = shard_of(raw).table.select(["card_id", "view", "height"]).to_pylist()
    assert rows == [
        {"card_id": "base1-4", "view": 0, "height": 352},
        {"card_id": "base1-4", "view": 1, "height": 176},
    ]


def test_views_of_one_size_are_numbered_by_their_keys(tmp_path):
    raw = raw_folder(tmp_path)
    for key, seed in (("base1-4_B.png", 1), ("base1-4_A.png", 2)):
        raw.write(key, encoded(card(seed)))
    assert shard_of(raw).table["key"].to_pylist() == ["base1-4_A.png", "base1-4_B.png"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("truncated", "truncated"),
        ("text", "no picture"),
        ("tiny", "1×1 pixels are too few"),
        ("huge", "more pixels"),
        ("gif", "animated"),
        ("webp", "animated"),
        ("apng", "animated"),
        ("empty", "zero bytes"),
    ],
)
def test_a_bad_file_goes_into_quarantine_with_its_reason(bad, kind, reason):
    shard, files = bad
    reasons = {reject.key: reject.reason for reject in shard.rejects}
    assert reason in reasons[files[kind].name]


def test_unusual_files_that_can_serve_stay(bad):
    shard, files = bad
    assert set(shard.table["key"].to_pylist()) == {files["cmyk"].name, files["deep"].name, "bad1-99_Good.png"}


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    files = bad_files(folder)
    (folder / "bad1-99_Good.png").write_bytes(encoded(card(99)))
    return shard_of(FolderStore(str(folder)), "bad1"), files


def test_a_scan_that_vanished_since_the_listing_stops_no_other(tmp_path):
    raw = raw_folder(tmp_path, base1_4=card(4), base1_2=card(2))
    scans = listed(raw).scans["base1"]
    (tmp_path / "base1-2_Drawn.png").unlink()
    shard = build_shard("base1", scans, raw)
    assert shard.table["card_id"].to_pylist() == ["base1-4"]
    assert "could not be read" in shard.rejects[0].reason


def test_a_shard_may_hold_nothing_but_rejects(tmp_path):
    raw = raw_folder(tmp_path)
    raw.write("base1-1.png", b"")
    shard = shard_of(raw)
    write_table(shard.table, tmp_path / "empty.parquet")
    assert len(shard.rejects) == 1
    assert pq.read_table(tmp_path / "empty.parquet").num_rows == 0


def test_a_card_saved_again_with_the_same_pixels_gives_the_same_shard(tmp_path):
    raw = raw_folder(tmp_path, base1_4=card(4))
    before, inputs = shard_of(raw), inputs_digest(listed(raw), "base1")
    raw.write("base1-4_Drawn.png", encoded(card(4), compress_level=1))
    assert inputs_digest(listed(raw), "base1") != inputs
    assert shard_of(raw).digest == before.digest


def test_a_card_with_other_pixels_gives_another_shard(tmp_path):
    raw = raw_folder(tmp_path, base1_4=card(4))
    before = shard_of(raw).digest
    raw.write("base1-4_Drawn.png", encoded(card(5)))
    assert shard_of(raw).digest != before


def test_a_bad_scan_beside_good_ones_changes_no_content(tmp_path):
    raw = raw_folder(tmp_path, base1_4=card(4))
    before = shard_of(raw).digest
    raw.write("base1-5.png", b"")
    assert shard_of(raw).digest == before


def test_a_shard_is_written_to_the_same_bytes_whatever_the_number_of_workers(tmp_path):
    raw = raw_folder(tmp_path / "raw", **{f"base1_{number}": card(number) for number in range(1, 8)})
    for workers in (1, 3):
        write_table(shard_of(raw, workers=workers).table, tmp_path / f"{workers}.parquet")
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "3.parquet").read_bytes()


def test_a_shards_file_is_called_by_set_content_and_the_way_it_is_written(tmp_path, monkeypatch):
    """A published file is never taken for one with other columns, whose cards are the same."""
    shard, other = (shard_of(raw_folder(tmp_path / str(seed), base1_4=card(seed))) for seed in (4, 5))
    name = shard.file_name
    assert name.startswith("base1-")
    assert name != other.file_name
    monkeypatch.setattr("pcr_assets.cards.shards.TRANSFORM_VERSION", 99)
    assert shard.file_name != name


def test_a_sets_name_may_hold_anything(tmp_path):
    raw = raw_folder(tmp_path, base1_4=card(4))
    raw.write("cards.csv", b"path,card_id,set\nbase1-4_Drawn.png,base1-4,Base Set/../1\n")
    assert "/" not in shard_of(raw, "Base Set/../1").file_name


def test_pictures_keep_their_colours(tmp_path):
    import cv2

    shard = shard_of(raw_folder(tmp_path, base1_4=card(4)))
    stored = cv2.imdecode(np.frombuffer(shard.table["image"][0].as_py(), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert stored is not None
    assert np.abs(stored.astype(int) - card(4)).mean() < 2


def test_a_file_larger_than_any_scan_is_not_even_read(tmp_path, monkeypatch):
    raw = raw_folder(tmp_path, base1_4=card(4), base1_5=card(5, (504, 704)))
    sizes = sorted(entry.size for entry in raw.list())
    monkeypatch.setattr("pcr_assets.cards.shards.MOST_BYTES", sizes[0])
    shard = shard_of(raw)
    assert shard.table["card_id"].to_pylist() == ["base1-4"]
    assert "larger than any card scan" in shard.rejects[0].reason


def test_a_scan_replaced_since_the_listing_is_an_error_and_no_reject(tmp_path):
    raw = raw_folder(tmp_path, base1_4=card(4))
    scans = listed(raw).scans["base1"]
    raw.write("base1-4_Drawn.png", encoded(card(44)))
    with pytest.raises(Replaced, match="run again"):
        build_shard("base1", scans, raw)


def test_with_the_rows_of_the_last_shard_only_new_scans_are_read_and_the_bytes_are_those_of_a_full_build(tmp_path):
    raw = raw_folder(tmp_path / "raw", base1_1=card(1), base1_2=card(2), base1_3=card(3))
    write_table(shard_of(raw).table, tmp_path / "last.parquet")
    before = made_of(listed(raw).scans["base1"])
    raw.write("base1-2_Drawn.png", encoded(card(22, (252, 352))))
    raw.write("base1-1_Again.png", encoded(card(1, (252, 352))))
    raw.write("base1-4_Drawn.png", encoded(card(4)))
    raw.write("base1-5_Drawn.png", b"no picture")
    raw.remove("base1-3_Drawn.png")
    raw.write(
        "cards.csv",
        b"path,card_id,name\nbase1-1_Drawn.png,base1-1,Renamed\nbase1-1_Again.png,base1-1,Renamed\n",
    )
    scans, read = listed(raw).scans["base1"], []

    class Watched(FolderStore):
        def read(self, key, etag=None):
            read.append(key)
            return super().read(key, etag)

    known = known_rows(tmp_path / "last.parquet", before)
    shard = build_shard("base1", scans, Watched(raw.root), 2, known)
    assert sorted(read) == ["base1-1_Again.png", "base1-2_Drawn.png", "base1-4_Drawn.png", "base1-5_Drawn.png"]
    whole = shard_of(raw)
    assert (shard.digest, shard.rejects) == (whole.digest, whole.rejects)
    for name, table in (("updated", shard.table), ("whole", whole.table)):
        write_table(table, tmp_path / name)
    assert (tmp_path / "updated").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_scan_that_was_replaced_is_read_again_though_its_key_is_known(tmp_path):
    raw = raw_folder(tmp_path / "raw", base1_1=card(1))
    write_table(shard_of(raw).table, tmp_path / "last.parquet")
    before = made_of(listed(raw).scans["base1"])
    raw.write("base1-1_Drawn.png", encoded(card(7)))
    known = known_rows(tmp_path / "last.parquet", before)
    assert build_shard("base1", listed(raw).scans["base1"], raw, 2, known).digest == shard_of(raw).digest


def test_rows_of_scans_that_were_cleaned_otherwise_are_not_known(tmp_path):
    raw = raw_folder(tmp_path / "raw", base1_1=card(1))
    write_table(shard_of(raw).table, tmp_path / "last.parquet")
    assert known_rows(tmp_path / "last.parquet", {**made_of(listed(raw).scans["base1"]), "transform": 0}) == {}
