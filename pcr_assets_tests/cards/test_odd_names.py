"""Sets and files that are called anything: a catalogue and a disk may hold names that no file of ours can have."""

import os
from pathlib import Path

import dagster as dg
import pytest

from pcr_assets import layout
from pcr_assets.assets.cards import processed_cards, raw_card_images
from pcr_assets.assets.evidence import strangers, strangers_of
from pcr_assets.assets.reference import card_references
from pcr_assets.cards.listing import UNPLACED
from pcr_assets.cards.tally import tally
from pcr_assets.definitions import build_defs
from pcr_assets.planner.execution import execute
from pcr_assets.resources.project import Project
from pcr_assets_tests.cards.drawn import card, encoded

LATIN_1 = os.fsdecode(b"Pok\xe9mon.png")


@pytest.fixture
def project(tmp_path):
    project = Project(store=str(tmp_path / "store"), scratch=str(tmp_path / "work"))
    raw = project.open(project.raw_root)
    for number in range(9):
        raw.write(f"base{number}-1_Drawn.png", encoded(card(number)))
    return project


def made(project, *assets):
    return dg.materialize([raw_card_images, *assets], resources={"project": project}).success


def observed(project, source):
    with dg.DagsterInstance.ephemeral() as instance:
        return execute(build_defs({"project": project}), instance, [source.key], lambda _: None)


@pytest.mark.parametrize("set_id", ["s" * 240, "ポケモンカード" * 8, ".5", "..", "a/b"])
def test_a_catalogue_may_call_a_set_anything(project, set_id):
    raw = project.open(project.raw_root)
    raw.write("cards.csv", f"path,card_id,set\nbase0-1_Drawn.png,base0-1,{set_id}\n".encode())
    assert made(project, processed_cards, card_references)
    for name in (layout.PROCESSED, layout.REFERENCES):
        found = project.artifacts.find(name)
        assert found, f"{name} is published, but a listing does not see all of its files"
        assert set_id in found.record["sets"]


@pytest.mark.faults
def test_a_scan_whose_name_is_no_text_is_in_quarantine_and_stops_no_other(project):
    raw = project.open(project.raw_root)
    raw.write("x.png", encoded(card(20)))
    Path(raw.root, "x.png").rename(Path(raw.root, LATIN_1))
    assert observed(project, raw_card_images) == []
    assert made(project, processed_cards)
    record = project.artifacts.current(layout.PROCESSED).record
    assert record["scans"] == 9
    assert record["quarantine"] == [
        {"set": UNPLACED, "key": "Pok\\udce9mon.png", "reason": "the file's name is not UTF-8: rename it"}
    ]
    assert UNPLACED in tally(raw.list(), {})


@pytest.mark.faults
def test_a_stranger_whose_name_is_no_text_is_asked_about_like_any_other(project):
    folder = project.open(project.strangers_root)
    folder.write("x.png", encoded(card(20)))
    Path(folder.root, "x.png").rename(Path(folder.root, LATIN_1))
    assert observed(project, strangers) == []
    pictures, faults = strangers_of(project, 10)
    assert len(pictures) == 1
    assert not faults
