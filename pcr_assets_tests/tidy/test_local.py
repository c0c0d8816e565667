"""Looking over this machine's scratch folders and downloads while others are at work in them."""

import shutil
import time
from pathlib import Path

import pytest

from pcr_assets.resources import downloads
from pcr_assets.tidy.found import DAY, Keep
from pcr_assets.tidy.local import cache, scratch


@pytest.fixture
def gone_when_looked_at(monkeypatch):
    """Folders that are removed when somebody has looked so often at anything in them."""
    doomed: dict[Path, int] = {}

    def looking(look):
        def looked(path, **given):
            for folder in [folder for folder in doomed if path.is_relative_to(folder)]:
                doomed[folder] -= 1
                if doomed[folder] == 0:
                    shutil.rmtree(folder)
            return look(path, **given)

        return looked

    for name in ("stat", "lstat"):
        monkeypatch.setattr(Path, name, looking(getattr(Path, name)))
    return doomed


def test_a_step_that_ends_meanwhile_is_no_scratch(tmp_path, gone_when_looked_at):
    for name in ("ends", "killed"):
        (tmp_path / "passing" / name / "shards").mkdir(parents=True)
        (tmp_path / "passing" / name / "shards" / "a").write_bytes(b"abc")
    gone_when_looked_at[tmp_path / "passing" / "ends"] = 1
    (found,) = scratch(tmp_path, Keep(time.time() + 2 * DAY))
    assert (found.size >= 3, found.why) == (True, "of a step that was killed")


def test_a_download_that_is_removed_meanwhile_is_none(tmp_path, gone_when_looked_at, monkeypatch):
    monkeypatch.setattr(downloads, "CACHE", tmp_path)
    for name in ("gone", "kept"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(b"abc")
    gone_when_looked_at[tmp_path / "gone"] = 2
    assert [found.size for found in cache(Keep(time.time() + 2 * DAY, cache_bytes=0))] == [3]
