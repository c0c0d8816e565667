"""What a compilation for the chip publishes, and where it works: nothing is compiled here."""

import json

import dagster as dg
import pytest

from pcr_assets import layout
from pcr_assets.assets.exports import student_hef
from pcr_assets.hailo.request import HailoError
from pcr_assets.resources.hailo import HailoCompiler
from pcr_assets.resources.project import Project
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


def test_every_graph_settings_and_cards_have_a_folder_of_their_own(project, tmp_path):
    """In a shared one the seconds of other attempts were added to a run's."""

    def refused(of):
        with pytest.raises(HailoError, match="refused"):
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
