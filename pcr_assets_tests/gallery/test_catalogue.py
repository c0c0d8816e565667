"""The catalogue names every key of the index."""

import csv
import io

import pyarrow as pa
import pytest

from pcr_assets.gallery import keys
from pcr_assets.gallery.catalogue import catalogue, keys_by_set
from pcr_assets.gallery.keys import KeyCollision, card_key


def scans(*rows):
    columns = ("card_id", "view", "name", "set", "number")
    return pa.table({name: [row[place] for row in rows] for place, name in enumerate(columns)})


def test_each_view_has_a_row_ordered_by_card_and_view():
    table = scans(
        ("b-2", 1, "Nidoran♀", "b", "2"),
        ("b-2", 0, "Nidoran♀", "b", "2"),
        ("a-1", 0, 'Farfetch\'d, the "duck"', "a", "1"),
    )
    rows = list(csv.DictReader(io.StringIO(catalogue(table, {"b-2": "a-1"}).decode())))
    assert [(row["card_id"], row["view"]) for row in rows] == [("a-1", "0"), ("b-2", "0"), ("b-2", "1")]
    assert rows[0]["name"] == 'Farfetch\'d, the "duck"'
    assert [row["art_group"] for row in rows] == ["a-1", "a-1", "a-1"]
    assert [int(row["key"]) for row in rows] == [card_key("a-1", 0), card_key("b-2", 0), card_key("b-2", 1)]


def test_the_keys_of_each_set_are_read_back(tmp_path):
    table = scans(("b-2", 0, "Two\nlines", "151", "2"), ("a-1", 0, "A", "NA", "1"), ("b-2", 1, 'B, "b"', "151", "2"))
    (tmp_path / "catalogue.csv").write_bytes(catalogue(table, {}))
    found = {name: sorted(numbers.tolist()) for name, numbers in keys_by_set(tmp_path / "catalogue.csv").items()}
    assert found == {"151": sorted([card_key("b-2", 0), card_key("b-2", 1)]), "NA": [card_key("a-1", 0)]}


def test_the_columns_are_those_of_the_contract():
    text = catalogue(scans(("a-1", 0, "A", "a", "1")), {}).decode()
    assert text.splitlines()[0] == "key,card_id,view,name,set,number,art_group"


def test_names_of_sets_are_a_column_more_where_any_set_has_one():
    table = scans(("a-1", 0, "A", "a", "1"), ("b-1", 0, "B", "b", "1"))
    rows = list(csv.DictReader(io.StringIO(catalogue(table, {}, {"a": "Set, the first"}).decode())))
    assert [row["set_name"] for row in rows] == ["Set, the first", ""]
    assert catalogue(table, {}, {}) == catalogue(table, {})


def test_a_key_is_the_same_for_ever():
    """Published indexes hold these numbers."""
    assert card_key("base1-4", 0) == 0x88D73E4B8403086C


def test_two_views_that_share_a_key_are_refused(monkeypatch):
    monkeypatch.setattr(keys, "card_key", lambda card_id, view: 7)
    table = scans(("a-1", 0, "A", "a", "1"), ("a-2", 0, "B", "a", "2"))
    with pytest.raises(KeyCollision, match="a-2/0 and a-1/0 share a key"):
        catalogue(table, {})
