"""All shards together, and which of them are built anew."""

from pathlib import Path

import pytest

from pcr_assets.cards.processed import assemble, groups_of
from pcr_assets.cards.shards import build_shard, entry, inputs_digest, write_table
from pcr_assets.resources.store import FolderStore
from pcr_assets.shard_plan import plan_shards
from pcr_assets_tests.cards.drawn import card, encoded, listed, raw_folder


def processed(raw: FolderStore, folder: Path):
    listing, sets, paths = listed(raw), {}, {}
    for set_id, scans in listing.scans.items():
        shard = build_shard(set_id, scans, raw)
        paths[set_id] = folder / shard.file_name
        write_table(shard.table, paths[set_id])
        sets[set_id] = entry(shard, shard.file_name, inputs_digest(listing, set_id))
    return assemble(sets, paths)


@pytest.fixture
def raw(tmp_path):
    return raw_folder(tmp_path / "raw", base1_1=card(1), base1_2=card(2), base2_1=card(1), base3_1=card(3))


def test_reprints_with_the_same_art_share_a_group(raw, tmp_path):
    found = processed(raw, tmp_path)
    assert (found.record["cards"], found.record["scans"], found.record["exact_twins"]) == (4, 4, 1)
    assert groups_of(found.record, ["base1-1", "base1-2", "base2-1"]) == {
        "base1-1": "base1-1",
        "base1-2": "base1-2",
        "base2-1": "base1-1",
    }


def test_rejects_of_all_sets_are_listed_and_are_no_content(raw, tmp_path):
    before = processed(raw, tmp_path)
    raw.write("base3-9.png", b"")
    raw.write("holiday.png", encoded(card(9)))
    found = processed(raw, tmp_path)
    assert {row["key"] for row in found.record["quarantine"]} == {"base3-9.png", "holiday.png"}
    assert found.record["rejected"] == 2
    assert found.record["scans"] == before.record["scans"]


def test_a_folder_of_nothing_but_bad_files_is_assembled_too(tmp_path):
    raw = raw_folder(tmp_path / "raw")
    raw.write("base1-1.png", b"")
    found = processed(raw, tmp_path)
    assert (found.record["cards"], found.record["rejected"], found.sample(24)) == (0, 1, ([], []))


def test_the_sample_shows_cards_of_all_sets(raw, tmp_path):
    images, captions = processed(raw, tmp_path).sample(3)
    assert [caption.split("-")[0] for caption in captions] == ["base1", "base1", "base3"]
    assert images[0].shape == (176, 126, 3)


def test_only_sets_whose_listing_changed_are_built_anew():
    plan = plan_shards({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "old", "gone": "4"})
    assert (plan.kept, plan.built, plan.dropped) == (("a",), ("b", "c"), ("gone",))


def test_without_a_previous_run_all_are_built():
    assert plan_shards({"b": "2", "a": "1"}, {}).built == ("a", "b")
