"""The floor of the cards on an S3 server: the same digests as in a folder, and what a change rebuilds."""

import dagster as dg
import pytest

from pcr_assets import layout, planner
from pcr_assets.definitions import build_defs
from pcr_assets.imaging.sample import render
from pcr_assets.resources.project import Project

SELECTION = "+card_references"


@pytest.fixture
def scans(tmp_path):
    """Scans of two sets as files."""
    render(tmp_path / "raw", sets=2, cards_per_set=4, strangers=1)
    return tmp_path / "raw" / "card_images"


@pytest.fixture
def on_s3(bucket, scans):
    """A project in a bucket, its scans too."""
    project = Project(store=bucket)
    raw = project.open(project.raw_root)
    for path in sorted(scans.rglob("*.*")):
        raw.write(path.relative_to(scans).as_posix(), path)
    return project


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def refresh(project: Project, instance: dg.DagsterInstance) -> list[str]:
    """Build what is stale; gives the names of what was built."""
    defs = build_defs({"project": project})
    outcome = planner.run(defs, instance, SELECTION, planner.published_in(defs))
    assert outcome.ending is planner.Ending.SETTLED, str(outcome)
    return [key.to_user_string() for key in outcome.built]


def test_a_bucket_holds_what_a_folder_would_and_rebuilds_what_changed(on_s3, scans, instance, tmp_path):
    in_folder = Project(store=str(tmp_path / "store"), raw=str(scans))
    with dg.DagsterInstance.ephemeral() as elsewhere:
        assert sorted(refresh(in_folder, elsewhere)) == ["card_references", "processed_cards"]
    assert sorted(refresh(on_s3, instance)) == ["card_references", "processed_cards"]
    for name in (layout.PROCESSED, layout.REFERENCES):
        here, there = in_folder.artifacts.current(name), on_s3.artifacts.current(name)
        assert there.digest == here.digest
        assert there.files == here.files
        assert all(on_s3.artifacts.fetch(there, file).is_file() for file in there.files)

    assert refresh(on_s3, instance) == []

    raw, before = on_s3.open(on_s3.raw_root), on_s3.artifacts.current(layout.PROCESSED)
    pictures = [entry.key for entry in raw.list() if entry.key.endswith(".png")]
    raw.write(pictures[0], raw.read(pictures[-1]))
    assert refresh(on_s3, instance) == ["processed_cards", "card_references"]
    after = on_s3.artifacts.current(layout.PROCESSED)
    kept = {file.key for file in before.files.values()} & {file.key for file in after.files.values()}
    shards = {file.key for file in after.files.values() if "/shards/" in file.key}
    assert kept < shards
    assert len(kept) == len(shards) - 1
