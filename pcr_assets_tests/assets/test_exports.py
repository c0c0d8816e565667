"""What an export is compared on; what a compilation for the chip publishes, and where it works: nothing is compiled here."""

import json

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pcr_assets import layout
from pcr_assets.assets.exports import COMPARED, student_hef, student_onnx
from pcr_assets.hailo.request import HailoError
from pcr_assets.resources.hailo import HailoCompiler
from pcr_assets.resources.project import Project
from pcr_assets_tests.cards.drawn import encoded
from pcr_assets_tests.project_records.synthetic import publish

MODEL = json.dumps({"input_size": [252, 352], "mean": [127.0] * 3, "std": [128.0] * 3}).encode()


class Refusing(HailoCompiler):
    """A compiler that refuses whatever it is asked."""

    def available(self):
        return None

    def compile(self, request, workdir):
        raise HailoError("refused")


@pytest.fixture
def project(tmp_path):
    made = Project(store=str(tmp_path / "store"), scratch=str(tmp_path / "work"))
    publish(made.artifacts, layout.ONNX, {"model.json": MODEL, "student_hailo.onnx": b"graph"}, {})
    calibrated(made, b"cards")
    return made


def calibrated(project, cards):
    publish(project.artifacts, layout.CALIBRATION, {"calibration.npy": cards, "check.npy": cards}, {})


class Stopped(Exception):
    pass


class Noting:
    """Notes on which cards it was asked to compare an export."""

    def run(self, module, job, workdir):
        self.cards = np.load(job["images"])
        raise Stopped


def test_an_export_is_compared_on_cards_of_all_sets(project, tmp_path):
    """Of a gallery of less than twice as many cards as are compared, it was the first ones."""
    grey = np.arange(0, 250, 250 / (2 * COMPARED - 1)).astype(np.uint8)  # each card has a shade of its own
    pictures = [encoded(np.full((88, 63, 3), shade, np.uint8), "PNG") for shade in grey]
    scans = {"card_id": [f"base1-{at}" for at in range(len(grey))], "view": [0] * len(grey), "name": [""] * len(grey)}
    pq.write_table(pa.table({**scans, "image": pictures}), tmp_path / "base1.parquet")
    shard = (tmp_path / "base1.parquet").read_bytes()
    pinned = {"snapshot.parquet": b"pins", "base1.parquet": shard}
    publish(project.artifacts, layout.SNAPSHOT, pinned, {"shards": ["base1.parquet"]})
    student = {"weights.safetensors": b"weights", "model.json": b'{"input_size": [21, 28]}'}
    publish(project.artifacts, layout.STAGE2, student, {})
    compute = Noting()
    with pytest.raises(Stopped):
        student_onnx(project=project, compute=compute)
    shown = compute.cards[:, 14, 10, 0]
    assert len(shown) == COMPARED
    assert shown[0] == grey[0] and shown[-1] == grey[-1]
    assert np.diff(shown).max() <= 2 * np.diff(shown).min() + 2


def test_every_graph_settings_and_cards_have_a_folder_of_their_own(project, tmp_path):
    """In a shared one the seconds of other attempts were added to a run's."""

    def refused(of):
        with pytest.raises(dg.Failure, match="refused"):
            student_hef(dg.build_asset_context(), project=of, hailo=Refusing())
        return len(list((tmp_path / "work").glob("hef-*")))

    profile = tmp_path / "deep.yaml"
    profile.write_text("extends: embedded\nhailo: {optimization_level: 4}\n")
    deep = Project(store=project.store, scratch=project.scratch, profile=str(profile))
    assert [refused(project), refused(project), refused(deep)] == [1, 1, 2]
    calibrated(project, b"others")
    assert refused(project) == 3


def test_why_nothing_was_compiled_is_told_without_a_path_of_this_machine(project, tmp_path, monkeypatch):
    records = set()
    for name in ("here", "there"):
        monkeypatch.setenv("PCR_HAILO_PYTHON", str(tmp_path / name))
        student_hef(dg.build_asset_context(), project=project, hailo=HailoCompiler())
        published = project.artifacts.current(layout.HEF)
        assert "The interpreter of PCR_HAILO_PYTHON does not run" in published.record["reason"]
        assert str(tmp_path) not in published.record["reason"]
        records.add(json.dumps(published.record))
    assert len(records) == 1
