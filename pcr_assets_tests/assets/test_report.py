"""What the page of the recognition report shows."""

import pytest
from PIL import Image

from pcr_assets import layout
from pcr_assets.assets import evidence, report
from pcr_assets.gallery.watched import LABELS
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import FolderStore, Missing, Shut
from pcr_assets_tests.assets.test_declare import CELL, ROOM


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose last report still holds."""
    monkeypatch.setattr(report, "_asked_of", lambda *_: {})
    monkeypatch.setattr(report, "_reason_to_judge", lambda *_: None)
    return Project(store=str(tmp_path / "store"), raw=str(tmp_path / "cards"), scratch=str(tmp_path / "work"))


def reported(project, lost=0.0):
    """Publish a report of five cards; ``lost``: what INT8 surely loses, in points."""
    named = {"unknown cards": 0.0, "strangers": 0.01, "other printings": 0.0}
    found = {"recall_at_1": 0.97, "high": 0.99, "answered": 0.96, "answered_high": 0.98, "queries": 100}
    answers = {"medium": found, "hard": {**found, "recall_at_1": 0.9}}
    record = {
        "objections": [],
        "reached": ["int8 finds all"],
        "cards": 5,
        "variants": {"int8": {"answers": answers, "named": named, "calibration_error": 0.02}},
        "photos": {"right": 3},
        "int8_loss": {"points": lost, "low": lost, "high": lost},
    }
    return project.artifacts.publish(layout.REPORT, {"report.html": b"<html>"}, digest="0" * 64, record=record)


def test_a_report_that_still_holds_says_what_was_found_of_how_many_cards_and_where_its_page_lies(project):
    held = reported(project)
    shown = report.recognition_report(project).metadata
    assert shown["judged again"] is False
    assert shown["judged with cards"] == 5
    folder = held.files["report.html"].key.rpartition("/")[0]
    assert shown["the report as a page"] == f"report.html in {folder} of {project.root.root}"
    assert max(map(len, f"report.html in {folder}".split())) * CELL + 26 <= ROOM, (
        "all tables are as wide as a longer word"
    )
    assert shown["recall@1 (medium camera)"] == 0.97, (
        "as when it was judged: a record's entries are stored by their names"
    )
    assert shown["strangers named"] == 0.01
    assert shown["verdict"] == "int8 finds all"


def test_a_profile_that_is_edited_while_a_report_is_made_is_the_next_ones_affair(project, tmp_path, monkeypatch):
    """After an hour of judging, the camera by which releases are judged was looked up anew: of another one nothing was asked."""
    profile = tmp_path / "mine.yaml"
    profile.write_text("extends: embedded\n")
    edited = "extends: embedded\nreport: {strengths: [easy]}\n"
    monkeypatch.setattr(report, "_reason_to_judge", lambda *_: profile.write_text(edited) and None)
    reported(project)
    edited_meanwhile = Project(store=project.store, raw=project.raw, scratch=project.scratch, profile=str(profile))
    shown = report.recognition_report(edited_meanwhile).metadata
    assert shown["recall@1 (medium camera)"] == 0.97


def test_the_verdict_is_that_of_every_gate(project):
    """It was that of one of four: beside a release that found more, it said how many cards are found, and a check refused."""
    reported(project, lost=2.0)
    assert "a loss of surely more than 0.5 is refused" in report.recognition_report(project).metadata["verdict"]
    reported(project)
    before = {"recall_at_1": 1.0, "answered": 1.0, "queries": 10_000}
    release = {"answers": {"int8": {"hard": before}}}
    project.artifacts.publish(layout.RELEASES, {"manifest.json": b"{}"}, digest="1" * 64, record=release)
    said = report.recognition_report(project).metadata["verdict"]
    assert said.startswith("int8 finds 90.0% at hard, the last release 100.0%")


def test_of_more_strangers_than_are_asked_about_those_at_the_end_have_their_turn_too(tmp_path):
    """Of 757 that lay there the first 400 by name were taken, none of them from the other half of the games."""
    project = Project(store=str(tmp_path / "store"), raw=str(tmp_path / "cards"), scratch=str(tmp_path / "work"))
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    for name in "abcdefg":
        Image.new("RGB", (63, 88)).save(strangers / f"{name}.png")
    asked, unreadable = evidence.strangers_of(project, most=4)
    assert [path.stem for path in asked] == ["a", "c", "e", "g"]
    assert unreadable == []


def test_no_more_photos_are_fetched_than_are_looked_at_and_those_with_a_label_come_first(tmp_path, monkeypatch):
    """All of a bucket's came to this machine, whatever `report.photos` said."""
    project = Project(store=str(tmp_path / "store"), photos=str(tmp_path / "photos"), scratch=str(tmp_path / "work"))
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "abcd":
        (folder / f"{name}.jpg").write_bytes(b"a photo")
    (folder / "photos.csv").write_text("photo,card_id\nc.jpg,base1-4\n")
    fetched = []
    monkeypatch.setattr(FolderStore, "fetch", lambda store, key: fetched.append(key) or folder / key)
    photos, labels, lacking = evidence.photos_of(project, most=2)
    assert list(photos) == [key for key in fetched if key != LABELS] == ["c.jpg", "a.jpg"]
    assert [label.card_id for label in labels["c.jpg"]] == ["base1-4"]
    assert labels["a.jpg"] == ()
    assert lacking == {}


@pytest.mark.faults
def test_a_picture_that_can_not_be_fetched_stops_no_other_and_is_told_of_without_a_path_of_this_machine(
    tmp_path, monkeypatch
):
    """One object that was archived in its bucket, or went meanwhile, ended the report of all the others."""
    folders = {name: tmp_path / name for name in ("photos", "strangers")}
    for folder in folders.values():
        folder.mkdir()
        for name in "abc":
            Image.new("RGB", (63, 88)).save(folder / f"{name}.png")
    wrong = {"a.png": Missing(f"{tmp_path}/a.png does not exist"), "c.png": Shut("c.png", "it is archived: restore it")}
    fetch_many = FolderStore.fetch_many
    monkeypatch.setattr(
        FolderStore,
        "fetch_many",
        lambda store, entries: (wrong.get(entry.key) or next(fetch_many(store, [entry])) for entry in entries),
    )
    project = Project(**{name: str(folder) for name, folder in folders.items()}, store=str(tmp_path / "store"))
    said = ["a.png went after it was listed", "c.png: it is archived: restore it"]
    strangers, faults = evidence.strangers_of(project, most=3)
    assert ([path.name for path in strangers], faults) == (["b.png"], said)
    photos, labels, lacking = evidence.photos_of(project, most=3)
    assert (list(photos), list(labels), list(lacking.values())) == (["b.png"], ["b.png"], said)
