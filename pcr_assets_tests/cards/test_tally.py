"""Counting a listing by set without holding it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pcr_assets.cards.catalogue import CatalogueRow
from pcr_assets.cards.listing import Scan, list_scans
from pcr_assets.cards.tally import mark_of, tally
from pcr_assets.resources.store import Entry

KEYS = ["base1-4.png", "base1-5.png", "base2-1.png", "jungle/x.png", "holiday.png", "README.md", "base3/"]
listings = st.lists(
    st.builds(Entry, st.sampled_from(KEYS), st.integers(0, 3), st.sampled_from("ab")), unique_by=lambda entry: entry.key
)


@given(listings, st.randoms())
def test_the_order_of_a_listing_does_not_matter(entries, chance):
    shuffled = chance.sample(entries, len(entries))
    assert tally(shuffled, {}) == tally(entries, {})


@given(listings, listings)
def test_a_set_differs_when_its_scans_do_and_only_then(one, other):
    one, other = ([entry for entry in entries if not entry.key.endswith("/")] for entries in (one, other))
    ours = [tally(entries, {}) for entries in (one, other)]
    theirs = [list_scans(entries, {}) for entries in (one, other)]
    for set_id in ours[0].keys() | ours[1].keys():
        scans = [listing.scans.get(set_id) for listing in theirs]
        assert (ours[0].get(set_id) == ours[1].get(set_id)) == (scans[0] == scans[1])


def test_sets_are_those_of_the_listing_and_the_catalogue_is_heard():
    entries = [Entry("base1-4.png", 1, "a"), Entry("base1-5.png", 1, "a")]
    catalogue = {"base1-4.png": CatalogueRow("base1-4", "classics", "4", "Charizard")}
    found = tally(entries, catalogue)
    assert {set_id: set_.scans for set_id, set_ in found.items()} == {"classics": 1, "base1": 1}
    renamed = {"base1-4.png": CatalogueRow("base1-4", "classics", "4", "Glurak")}
    assert tally(entries, renamed)["classics"] != found["classics"]


def test_a_set_that_gets_a_name_differs_and_no_other_does():
    entries = [Entry("base1-4.png", 1, "a"), Entry("base1-5.png", 1, "a"), Entry("base2-1.png", 1, "a")]
    row = CatalogueRow("base1-4", "base1", "4", "Charizard")
    without, named = (tally(entries, {"base1-4.png": replace(row, set_name=name)}) for name in ("", "Base Set"))
    assert without["base1"] != named["base1"]
    assert without["base2"] == named["base2"]


def test_a_scans_digest_without_a_name_of_its_set_is_the_same_for_ever():
    """Whoever watches a folder remembers it."""
    scan = Scan("base1-4.png", 1, "a", "base1-4", "base1", "4", "Charizard")
    assert mark_of(scan).hex() == "1d1051c8f232f02817f7db4c2718d8e3"


def test_each_scan_is_handed_on_with_its_digest():
    seen = []
    tally(
        [Entry("base1-4.png", 1, "a"), Entry("README.md", 1, "a")], {}, lambda scan, mark: seen.append((scan.key, mark))
    )
    assert [(key, len(mark)) for key, mark in seen] == [("base1-4.png", 16)]
