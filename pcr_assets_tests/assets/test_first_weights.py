"""Weights that a training starts from: replaced under their name, they are other ones."""

from pathlib import Path

import pytest
import yaml

from pcr_assets import layout
from pcr_assets.assets import first_weights, settings
from pcr_assets.resources.project import Project

KEY = "models/first.safetensors"


@pytest.fixture
def project(tmp_path):
    """A project whose student starts from whatever ``weights`` names."""

    def starting_from(weights, store=tmp_path / "store"):
        profile = tmp_path / "mine.yaml"
        profile.write_text(yaml.safe_dump({"extends": "quick", "student": {"weights": weights}}))
        return Project(store=str(store), profile=str(profile), scratch=str(tmp_path / "work"))

    return starting_from


def version(project):
    return settings.student_config(project=project).data_version.value


def test_a_file_that_is_replaced_makes_the_student_stale(project, tmp_path):
    file = tmp_path / "first.safetensors"
    chosen = project(f"file:{file}")
    seen = []
    for data in (b"some", b"others", b"some"):
        file.write_bytes(data)
        seen.append(version(chosen))
    assert seen[0] == seen[2] != seen[1]


@pytest.mark.parametrize("weights", [f"store:{KEY}", f"{{bucket}}/{layout.PROJECT}/{KEY}"])
def test_so_does_an_object_of_the_store_and_of_a_bucket(project, bucket, weights):
    chosen = project(weights.format(bucket=bucket), store=bucket)
    chosen.root.write(KEY, b"some")
    before = version(chosen)
    chosen.root.remove(KEY)
    chosen.root.write(KEY, b"others")
    assert version(chosen) != before


def test_weights_that_are_not_there_are_no_error_before_a_training_asks_for_them(project, tmp_path):
    assert version(project("file:/nowhere.safetensors"))
    assert first_weights.content(project(f"store:{KEY}"), f"store:{KEY}") == first_weights.MISSING


@pytest.mark.parametrize("weights", ["package:efficientnet-lite0", "hub", "none"])
def test_what_a_name_says_is_all_there_is_to_know_of_a_package(project, weights):
    chosen = project(weights)
    assert version(chosen) == chosen.settings.digest("student")


def test_what_lies_in_the_store_is_trained_from_by_a_file_here(project, tmp_path):
    chosen = project(f"store:{KEY}")
    chosen.root.write(KEY, b"some")
    named = first_weights.local(chosen, f"store:{KEY}", tmp_path)
    assert named.startswith("file:") and named.endswith(".safetensors")
    assert Path(named.removeprefix("file:")).read_bytes() == b"some"
