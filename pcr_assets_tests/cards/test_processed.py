"""All shards together, and which of them are built anew."""

from pathlib import Path

import pytest

from pcr_assets.cards.processed import NO_SCANS, TABLE, TABLE_VERSION, TWINS, Scans, assemble, fits, groups_of, sample
from pcr_assets.cards.shards import build_shard, entry, inputs_digest, write_table
from pcr_assets.resources.store import FolderStore
from pcr_assets.shard_plan import plan_shards
from pcr_assets_tests.cards.drawn import card, encoded, listed, raw_folder


def shards_of(raw: FolderStore, folder: Path):
    """The entries of all sets, and the files of those with a card."""
    listing, sets, paths = listed(raw), {}, {}
    for set_id, scans in listing.scans.items():
        shard = build_shard(set_id, scans, raw)
        sets[set_id] = entry(shard, shard.file_name, inputs_digest(listing, set_id))
        if shard.table.num_rows:
            paths[set_id] = folder / shard.file_name
            write_table(shard.table, paths[set_id])
    return sets, paths


def processed(raw: FolderStore, folder: Path, before: Scans = NO_SCANS, built: set[str] | None = None):
    sets, paths = shards_of(raw, folder)
    return assemble(sets, {s: path for s, path in paths.items() if built is None or s in built}, before)


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


@pytest.mark.parametrize("change", ["a twin comes", "a twin goes", "a set goes", "a set comes", "a card is replaced"])
def test_when_a_set_changed_only_it_is_read_and_the_whole_comes_out_as_if_all_were(raw, tmp_path, change):
    (tmp_path / "kept").mkdir()
    files = processed(raw, tmp_path).scans.files()
    for name, data in files.items():
        (tmp_path / "kept" / name).write_bytes(data)
    match change:
        case "a twin comes":
            raw.write("base2-2.png", encoded(card(3)))
        case "a twin goes" | "a card is replaced":
            raw.write("base2-1_Drawn.png", encoded(card(4)))
        case "a set goes":
            Path(raw.root, "base2-1_Drawn.png").unlink()
        case "a set comes":
            raw.write("base9-1.png", encoded(card(2)))
    whole = processed(raw, tmp_path)
    before = Scans.read(*(tmp_path / "kept" / name for name in files))
    (set_id,) = {"a set comes": ["base9"]}.get(change, ["base2"])
    found = processed(raw, tmp_path, before, built={set_id})
    assert (found.record, found.digest) == (whole.record, whole.digest)
    assert found.scans.files() == whole.scans.files()


def test_names_of_sets_are_in_the_record_and_its_digest_where_there_are_any(raw, tmp_path):
    sets, paths = shards_of(raw, tmp_path)
    without, named = assemble(sets, paths), assemble(sets, paths, set_names={"base1": "Base Set", "gone": "Gone"})
    assert "set_names" not in without.record
    assert named.record == {**without.record, "set_names": {"base1": "Base Set"}}
    assert without.digest == assemble(sets, paths, set_names={"gone": "Gone"}).digest != named.digest


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
    assert (found.record["cards"], found.record["rejected"], sample({}, 24)) == (0, 1, ([], []))


def test_the_sample_shows_cards_of_all_sets(raw, tmp_path):
    images, captions = sample(shards_of(raw, tmp_path)[1], 3)
    assert [caption.split("-")[0] for caption in captions] == ["base1", "base1", "base3"]
    assert images[0].shape == (176, 126, 3)


def test_only_sets_whose_listing_changed_are_built_anew():
    known = {"a": {"inputs": "1"}, "b": {"inputs": "old"}, "gone": {"inputs": "4"}}
    plan = plan_shards({"a": "1", "b": "2", "c": "3"}, known)
    assert (plan.kept, plan.built) == ({"a": known["a"]}, ("b", "c"))


def test_without_a_previous_run_all_are_built():
    assert plan_shards({"b": "2", "a": "1"}, {}).built == ("a", "b")


def test_what_older_code_published_of_all_scans_is_made_anew():
    files, record = {TABLE: b"", TWINS: b""}, {"table": TABLE_VERSION}
    assert fits(record, files)
    assert not fits({}, files)
    assert not fits({"table": TABLE_VERSION - 1}, files)
    assert not fits(record, {TABLE})
