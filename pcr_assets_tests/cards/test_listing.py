"""Which scans there are, of which sets, and when a set counts as changed."""

from dataclasses import replace

from pcr_assets import digests
from pcr_assets.cards.catalogue import CatalogueRow
from pcr_assets.cards.listing import UNPLACED, list_scans
from pcr_assets.resources.store import Entry


def entries(*keys: str, etag: str = "e") -> list[Entry]:
    return [Entry(key, 10, etag) for key in keys]


def test_scans_of_a_flat_folder_are_grouped_by_the_set_of_their_card():
    listing = list_scans(entries("base1-4_Charizard.png", "Mew-en_base_basep_8_high.png", "base1-2_Blastoise.png"), {})
    assert {set_id: [scan.card_id for scan in scans] for set_id, scans in listing.scans.items()} == {
        "base1": ["base1-2", "base1-4"],
        "basep": ["basep-8"],
    }


def test_the_catalogue_wins_over_the_file_name():
    row = CatalogueRow("xy1-1", "xy1", "1", "Venusaur")
    listing = list_scans(entries("base1-4_Charizard.png"), {"base1-4_Charizard.png": row})
    (scan,) = listing.scans["xy1"]
    assert (scan.card_id, scan.name) == ("xy1-1", "Venusaur")


def test_a_scan_that_the_catalogue_lacks_joins_the_card_that_its_name_means():
    row = CatalogueRow("base1-4", "classics", "4", "Charizard")
    listing = list_scans(entries("one.png", "Glurak-en_base_base1_4_high.png"), {"one.png": row})
    assert [(scan.card_id, scan.name) for scan in listing.scans["classics"]] == [("base1-4", "Charizard")] * 2


def test_a_scan_that_nothing_names_is_kept_with_its_fault():
    listing = list_scans(entries("holiday.png", "jungle/picture.png"), {})
    assert [scan.key for scan in listing.scans[UNPLACED]] == ["holiday.png"]
    assert "which card" in listing.scans["jungle"][0].fault


def test_an_empty_folder_is_kept_with_its_fault_and_a_marked_full_one_is_not():
    listing = list_scans(entries("fossil/", "jungle/", "jungle/base2-1.png"), {})
    assert "empty" in listing.scans["fossil"][0].fault
    assert not listing.scans["base2"][0].fault
    assert listing.count == 1


def test_what_is_no_picture_is_left_out():
    assert list_scans(entries("cards.csv", "README.md", "base1/notes.txt"), {}).count == 0


def test_a_set_changes_when_one_of_its_files_does_and_others_do_not():
    before = list_scans(entries("base1-4.png", "base2-1.png"), {})
    after = list_scans(entries("base1-4.png", etag="new") + entries("base2-1.png"), {})
    assert before.digest_of("base1") != after.digest_of("base1")
    assert before.digest_of("base2") == after.digest_of("base2")
    assert before.digest != after.digest


def test_a_set_changes_when_the_catalogue_says_otherwise():
    row = CatalogueRow("base1-4", "base1", "4", "Glurak")
    before, after = list_scans(entries("base1-4.png"), {}), list_scans(entries("base1-4.png"), {"base1-4.png": row})
    assert before.digest_of("base1") != after.digest_of("base1")


def test_a_name_of_a_set_is_news_of_the_listing_and_of_no_shard():
    row = CatalogueRow("base1-4", "base1", "4", "Charizard")
    catalogues = [{"base1-4.png": row}, {"base1-4.png": replace(row, set_name="Base Set")}]
    without, named = (list_scans(entries("base1-4.png", "base1-5.png", "base2-1.png"), each) for each in catalogues)
    assert (without.set_names, named.set_names) == ({}, {"base1": "Base Set"})
    assert without.digest != named.digest
    assert without.scans == named.scans
    assert without.digest == digests.of_json({set_id: without.digest_of(set_id) for set_id in without.scans})
    assert list_scans(entries("base2-1.png"), catalogues[1]).set_names == {}, "no scan is of the set"


def test_the_order_of_listing_does_not_matter():
    keys = ["base1-4.png", "base1-2.png", "base2-1.png"]
    assert list_scans(entries(*keys), {}).digest == list_scans(entries(*reversed(keys)), {}).digest
