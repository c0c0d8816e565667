"""What the page of the recognition report shows."""

from PIL import Image

from pcr_assets import layout
from pcr_assets.assets import evidence, report
from pcr_assets.resources.project import Project
from pcr_assets_tests.assets.test_declare import CELL, ROOM


def test_a_report_that_still_holds_says_what_was_found_of_how_many_cards_and_where_its_page_lies(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "_asked_of", lambda project: {})
    monkeypatch.setattr(report, "_reason_to_judge", lambda *_: None)
    project = Project(store=str(tmp_path / "store"), raw=str(tmp_path / "cards"), scratch=str(tmp_path / "work"))
    named = {"unknown cards": 0.0, "strangers": 0.01, "other printings": 0.0}
    answers = {"medium": {"recall_at_1": 0.97}, "hard": {"recall_at_1": 0.9}}
    int8 = {"answers": answers, "named": named, "calibration_error": 0.02}
    record = {
        "objections": [],
        "reached": ["int8 finds all"],
        "cards": 5,
        "variants": {"int8": int8},
        "photos": {"right": 3},
    }
    held = project.artifacts.publish(layout.REPORT, {"report.html": b"<html>"}, digest="0" * 64, record=record)
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
