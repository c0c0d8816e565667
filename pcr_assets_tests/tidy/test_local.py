"""Looking over this machine's scratch folders and downloads while others are at work in them."""

import os
import shutil
import subprocess
import sys
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


def test_a_download_that_is_asked_for_after_it_was_looked_at_stays(tmp_path, monkeypatch):
    """Who asked for it is about to open it."""
    monkeypatch.setattr(downloads, "CACHE", tmp_path)
    for name in ("asked for", "left"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(b"abc")
    found = list(cache(Keep(time.time() + 2 * DAY, cache_bytes=0)))
    downloads.used(tmp_path / "asked for" / "a.png")
    for each in found:
        each.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["asked for"]


def test_downloads_that_were_used_lately_stay_however_large_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "CACHE", tmp_path)
    now = time.time()
    for name, days in (("long ago", 3), ("lately", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(b"abc")
        os.utime(tmp_path / name / "a.png", (now - days * DAY, now - 9 * DAY))
    assert [found.modified for found in cache(Keep(now, cache_bytes=0))] == [pytest.approx(now - 3 * DAY)]


@pytest.mark.parametrize("named", ["", "/var/cache"])
def test_an_empty_cache_variable_names_no_folder_and_one_that_names_one_needs_no_home(named):
    """Empty, it meant the folder that one stands in: in the checkout, downloads lay among the code, and `make gc` removed both."""
    code = "import os; del os.environ['HOME']; os.getuid = lambda: 54321\n" if named else ""
    code += "from pcr_assets.resources.downloads import CACHE; print(CACHE)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HOME": "/home/somebody", "XDG_CACHE_HOME": named},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == f"{named or '/home/somebody/.cache'}/pcr_assets\n"
