"""The record of scans that were asked for."""

import sqlite3

import pytest

from pcr_assets.automation.changes import Change, open_changes
from pcr_assets.cards.listing import Scan


def told(folder, before, after, **scans):
    """Note the scans of the group ``base1``, and ask what changed between two digests."""
    with open_changes(folder) as changes:
        for key, etag in scans.items():
            changes.note("base1", Scan(key, 10, etag, "", "base1", "", ""), etag.encode())
        return changes.since({"base1": (before, after)})


def test_added_replaced_and_removed_scans_are_counted(tmp_path):
    assert told(tmp_path, "", "1", a="x", b="x") == ({"base1": Change(added=2)}, set())
    assert told(tmp_path, "1", "2", a="y", c="x") == ({"base1": Change(added=1, replaced=1, removed=1)}, set())
    assert told(tmp_path, "2", "") == ({"base1": Change(removed=2)}, set())


def test_a_daemon_that_died_asks_again_and_is_told_the_same(tmp_path):
    told(tmp_path, "", "1", a="x")
    first = told(tmp_path, "1", "2", a="x", b="x")
    assert told(tmp_path, "1", "2", a="x", b="x") == first == ({"base1": Change(added=1)}, set())


def test_what_nobody_noted_is_unknown(tmp_path):
    assert told(tmp_path, "of another machine", "2", a="x") == ({}, {"base1"})


@pytest.mark.parametrize("content", [b"no database", None])
def test_a_record_that_cannot_be_kept_makes_changes_unknown_and_stops_nothing(tmp_path, content):
    file = tmp_path / "asked.sqlite"
    if content:
        file.write_bytes(content)
    else:
        file.mkdir()
    assert told(tmp_path, "", "1", a="x") == ({}, {"base1"})


def test_only_the_last_two_states_are_kept(tmp_path):
    for number in range(5):
        told(tmp_path, str(number - 1) if number else "", str(number), a=str(number))
    with sqlite3.connect(tmp_path / "asked.sqlite") as database:
        assert [digest for (digest,) in database.execute("SELECT digest FROM asked")] == ["3", "4"]


def test_a_change_says_what_there_is_to_say():
    assert str(Change(added=3, removed=1)) == "3 added, 1 removed"
