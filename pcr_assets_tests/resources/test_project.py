"""Where a project looks for what nobody named."""

import pytest

from pcr_assets.assets.evidence import evaluation_photos, strangers
from pcr_assets.cards.catalogue import find_catalogue
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import FolderStore, parent


def test_the_folder_above_is_found_in_paths_and_urls():
    assert parent("/data/scans/") == "/data"
    assert parent("s3://bucket/data/scans") == "s3://bucket/data"
    assert parent("s3://bucket") is None
    assert parent("/scans") is None


@pytest.mark.parametrize(
    ("raw", "beside"),
    [
        ("/data/scans/", "/data/strangers"),
        ("/scans", "/strangers"),
        ("s3://bucket/data/scans", "s3://bucket/data/strangers"),
        ("s3://bucket/scans", "s3://bucket/strangers"),
        ("s3://bucket", ""),
        ("s3://bucket/", ""),
    ],
)
def test_strangers_lie_beside_the_scans_and_never_in_somebody_elses_bucket(raw, beside):
    assert Project(raw=raw).strangers_root == beside


def test_a_folder_that_is_named_from_where_one_stands_has_a_folder_above_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards.csv").write_text("path,card_id\ncards/a.png,base1-4\n")
    assert Project(raw="cards").strangers_root == f"{tmp_path}/strangers"
    catalogue = find_catalogue(FolderStore("cards"), FolderStore(parent("cards")))
    assert catalogue["a.png"].card_id == "base1-4"


def test_a_project_whose_scans_fill_a_bucket_has_no_strangers_and_asks_nobody_for_any(tmp_path):
    seen = strangers(Project(store=str(tmp_path), raw="s3://cards-of-mine"))
    assert seen.metadata["files"] == 0
    assert seen.data_version == evaluation_photos(Project(store=str(tmp_path))).data_version
