"""A disk that is full: one clear sentence, and what was published before stays whole."""

import os
import subprocess

import pytest

from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import StoreError, open_store


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode != 0:
        pytest.skip("a small file system can be mounted by root alone")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_sentence_and_the_last_version_stays(small_disk):
    artifacts = Artifacts(open_store(str(small_disk)))
    artifacts.publish("models/student", {"weights": b"small"}, digest="1" * 64, numbered=True)
    with pytest.raises(StoreError, match="No space left on device"):
        artifacts.publish("models/student", {"weights": b"x" * 2_000_000}, digest="2" * 64, numbered=True)
    found = artifacts.find("models/student")
    assert found is not None
    assert artifacts.fetch(found, "weights").read_bytes() == b"small"
    assert not [path for path in small_disk.rglob(".aside-*")]
