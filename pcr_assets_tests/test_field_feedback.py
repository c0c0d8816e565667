"""The way back: a device keeps, sends, and the project sums up; no release depends on it."""

import os
import tracemalloc

import dagster as dg
import numpy as np
import pytest
from PIL import Image

from edge_runtime.feedback.box import FeedbackBox
from edge_runtime.feedback.sending import send
from edge_runtime.gallery import Card, Match
from edge_runtime.judging.decide import Status
from edge_runtime.reading.readings import Reading, Recognition
from pcr_assets import layout
from pcr_assets.assets import show
from pcr_assets.assets.feedback import _read, device_feedback, field_feedback
from pcr_assets.checks import answers_have_not_drifted, devices_are_as_sure_as_the_report
from pcr_assets.definitions import build_defs
from pcr_assets.planner import observe
from pcr_assets.planner.plan import ancestors
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import Entry, FolderStore, Shut

CORNERS = np.array([[20, 20], [145, 20], [145, 195], [20, 195]], np.float32)


class Field:
    """Devices and the project that they send to."""

    def __init__(self, folder):
        self.folder = folder
        self.project = Project(store=str(folder / "store"), scratch=str(folder / "work"))
        self.root = folder / "store" / layout.PROJECT
        self.root.mkdir(parents=True)

    def sends(self, device, day, *card_ids):
        """A device meets cards on a day, is unsure of each, and sends them."""
        box = FeedbackBox(self.folder / device, "0123456789abcdef", "int8", now=lambda: 1_800_000_000.0 + 86400 * day)
        for card_id in card_ids:
            matches = (Match(Card(card_id, "Amber Fox", "dawn1", "1", card_id), 0.71, 1),)
            reading = Reading(Status.UNCERTAIN, 0.6, CORNERS, matches, 0.9)
            box.notice(np.full((240, 320, 3), 90, np.uint8), Recognition((reading,)))
        send(box.folder, str(self.root), device)

    def summed_up(self):
        checks = [answers_have_not_drifted, devices_are_as_sure_as_the_report]
        result = dg.materialize([field_feedback, *checks], resources={"project": self.project})
        assert result.success
        assert all(evaluation.passed for evaluation in result.get_asset_check_evaluations())
        return self.project.artifacts.current(layout.FIELD), result.asset_materializations_for_node("field_feedback")[0]


@pytest.fixture
def field(tmp_path):
    return Field(tmp_path)


def test_a_project_without_devices_has_an_empty_summary(field):
    artifact, _ = field.summed_up()
    assert artifact.record["devices"] == 0


def test_what_devices_send_is_summed_up_with_pictures_of_the_worst(field):
    field.sends("pi-1", 0, "dawn1-1", "dawn1-2")
    field.sends("pi-2", 1, "dawn1-1")
    artifact, shown = field.summed_up()
    assert {name: artifact.record[name] for name in ("devices", "days", "kept")} == {"devices": 2, "days": 2, "kept": 3}
    assert artifact.record["answers"] == {"0123456789abcdef int8": {"confirmed": 0, "uncertain": 3, "unknown": 0}}
    assert shown.metadata["worst"].value.startswith("![")


def test_only_days_that_changed_are_read_again(field, monkeypatch):
    field.sends("pi-1", 0, "dawn1-1")
    field.summed_up()
    field.sends("pi-1", 1, "dawn1-2")
    read = []
    from pcr_assets.gallery import feedback

    real = feedback.read_day
    monkeypatch.setattr(feedback, "read_day", lambda day, contents: read.append(day) or real(day, contents))
    artifact, _ = field.summed_up()
    assert read == ["pi-1/2027-01-16"]
    assert artifact.record["kept"] == 2


def test_the_same_feedback_is_the_same_content(field):
    field.sends("pi-1", 0, "dawn1-1")
    assert field.summed_up()[0].digest == field.summed_up()[0].digest


def test_what_is_observed_moves_with_what_devices_send(field):
    def version():
        with dg.DagsterInstance.ephemeral() as instance:
            assert observe(build_defs({"project": field.project}), instance, "field_feedback") == []
            (record,) = instance.fetch_observations(device_feedback.key, limit=1).records
            return record.asset_observation.data_version

    before = version()
    field.sends("pi-1", 0, "dawn1-1")
    assert version() != before


def test_no_release_depends_on_what_devices_say():
    defs = build_defs()
    assert not ancestors(defs, [dg.AssetKey("edge_release")]) & {field_feedback.key, device_feedback.key}


def test_what_may_not_be_read_is_told_of_and_read_once_its_rights_are_mended(field, monkeypatch):
    """It counted as gone, and its day as read for ever: mended rights change no listing."""
    field.sends("pi-1", 0, "dawn1-1", "dawn1-2")
    (shut, _) = sorted(path for path in field.root.rglob("*.json") if len(path.stem) == 32)
    read = FolderStore.read

    def refused(store, key, etag=None):
        if key.endswith((shut.name, f"{shut.stem}.jpg")):
            raise Shut(key)
        return read(store, key, etag)

    monkeypatch.setattr(FolderStore, "read", refused)
    artifact, _ = field.summed_up()
    assert artifact.record["kept"] == 1
    (fault,) = artifact.record["faults"]
    assert fault["file"].endswith(shut.name)
    assert "mend its rights, then `make build ASSET=field_feedback`" in fault["reason"]
    monkeypatch.setattr(FolderStore, "read", read)
    artifact, _ = field.summed_up()
    assert (artifact.record["kept"], artifact.record["faults"]) == (2, [])


@pytest.mark.parametrize("suffix", ["json", "jpg"])
def test_a_file_larger_than_any_that_devices_write_is_not_even_read(field, monkeypatch, suffix):
    """One device that sends gigabytes must not fill the memory of whoever sums up."""
    field.sends("pi-1", 0, "dawn1-1", "dawn1-2")
    huge = sorted(path for path in field.root.rglob(f"*.{suffix}") if len(path.stem) == 32)[0]
    os.truncate(huge, 1 << 30)
    read, asked = FolderStore.read, []
    monkeypatch.setattr(FolderStore, "read", lambda store, key, etag=None: asked.append(key) or read(store, key, etag))
    artifact, shown = field.summed_up()
    assert not [key for key in asked if key.endswith(huge.name)]
    assert shown.metadata["worst"].value.startswith("![")  # of the other card
    if suffix == "json":
        assert artifact.record["kept"] == 1
        assert [fault["reason"] for fault in artifact.record["faults"]] == ["larger than 64 KiB"]


def test_of_a_day_s_files_one_is_held_at_a_time(field):
    """The same gigabytes may come as many files."""
    field.sends("pi-1", 0, "dawn1-1")
    day = next(path.parent for path in field.root.rglob("*.json") if len(path.stem) == 32)
    for number in range(1000):
        (day / f"{number:032x}.json").write_bytes(b'{"x":"%s"}' % (60_000 * b"a"))
    files = [Entry(entry.key.removeprefix(f"{layout.FEEDBACK}/"), entry.size, entry.etag)
             for entry in field.project.root.list(layout.FEEDBACK)]  # fmt: skip
    tracemalloc.start()
    try:
        said, whole = _read(field.project, f"pi-1/{day.name}", files)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(said["answers"]), len(said["faults"]), whole) == (1, 1000, True)
    assert peak < 8e6, "of 60 MB"


def test_a_picture_that_no_device_writes_is_not_decoded(field, monkeypatch):
    field.sends("pi-1", 0, "dawn1-1", "dawn1-2")
    (other, _) = sorted(field.root.rglob("*.jpg"))
    Image.new("RGB", (32, 32)).save(other, "AVIF")
    shown = []
    monkeypatch.setattr(show, "pictures", lambda images, *_: shown.extend(images) or dg.MetadataValue.md("two"))
    field.summed_up()
    assert [image.shape for image in shown] == [(352, 252, 3)]


def test_a_picture_of_more_pixels_than_any_card_is_not_decoded(field, monkeypatch):
    """A hundred kilobytes may hold 80 megapixels, and some two dozen pictures lie in memory at once."""
    field.sends("pi-1", 0, "dawn1-1", "dawn1-2")
    (large, _) = sorted(field.root.rglob("*.jpg"))
    Image.new("RGB", (1200, 1200)).save(large)
    shown = []
    monkeypatch.setattr(show, "pictures", lambda images, *_: shown.extend(images) or dg.MetadataValue.md("two"))
    field.summed_up()
    assert [image.shape for image in shown] == [(352, 252, 3)]


def test_a_file_whose_name_is_no_text_is_set_aside(field):
    """As a device with a disk of an older system may copy one: each refresh failed at the look, and each plan."""
    field.sends("pi-1", 0, "dawn1-1")
    day = next(path.parent for path in field.root.rglob("*.json") if len(path.stem) == 32)
    (day / os.fsdecode(b"pok\xe9mon.json")).write_bytes(b"{}")
    artifact, _ = field.summed_up()
    assert artifact.record["kept"] == 1
    assert [(fault["file"], fault["reason"]) for fault in artifact.record["faults"]] == [
        ("pi-1/2027-01-15/pok\\udce9mon.json", "the file's name is not UTF-8: rename it")
    ]
