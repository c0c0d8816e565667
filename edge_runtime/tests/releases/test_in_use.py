"""The note that a device leaves beside a publisher's releases."""

import json
import os
import stat

import pytest

from edge_runtime.releases import in_use


def test_a_note_names_the_release_and_the_next_one_takes_its_place(tmp_path):
    assert in_use.leave(tmp_path, "first", tmp_path / "home")
    assert in_use.leave(tmp_path, "second", tmp_path / "home")
    (note,) = (tmp_path / "in_use").iterdir()
    assert json.loads(note.read_bytes()) == {"release_id": "second"}


def test_a_note_may_be_read_by_a_publisher_who_is_another_user(tmp_path):
    assert in_use.leave(tmp_path, "first", tmp_path / "home")
    (note,) = (tmp_path / "in_use").iterdir()
    assert stat.S_IMODE(note.stat().st_mode) == 0o644


def test_two_homes_of_a_machine_leave_a_note_each(tmp_path):
    for home in ("one", "other"):
        in_use.leave(tmp_path, "same", tmp_path / home)
    assert len(list((tmp_path / "in_use").iterdir())) == 2


@pytest.mark.parametrize("host", ["raspberry.pi/../x", "", "ü" * 300])
def test_a_device_has_a_plain_name_whatever_its_host_is_called(tmp_path, monkeypatch, host):
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert in_use.leave(tmp_path, "first", tmp_path)
    (note,) = (tmp_path / "in_use").iterdir()
    assert note.parent == tmp_path / "in_use"
    assert ".." not in note.name


def test_where_it_may_not_write_it_leaves_none_and_no_litter(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refused)
    monkeypatch.setattr("pathlib.Path.replace", refused)
    assert not in_use.leave(tmp_path, "first", tmp_path)
    assert list((tmp_path / "in_use").iterdir()) == []
    assert not in_use.leave(tmp_path / "not there", "first", tmp_path)


def test_a_link_on_the_publisher_s_stick_leads_no_note_to_another_place(tmp_path):
    releases, elsewhere = tmp_path / "releases", tmp_path / "elsewhere"
    releases.mkdir()
    elsewhere.mkdir()
    (releases / in_use.FOLDER).symlink_to(elsewhere)
    assert not in_use.leave(releases, "0123", tmp_path)
    assert list(elsewhere.iterdir()) == []
