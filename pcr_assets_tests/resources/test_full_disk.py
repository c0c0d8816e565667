"""A disk that is full: one clear sentence, and what was published before stays whole."""

import os
import subprocess

import numpy as np
import pytest
from usearch.index import Index

from pcr_assets.gallery.index import save_index
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import StoreError, open_store

pytestmark = pytest.mark.faults


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


def test_a_disk_without_room_for_an_index_is_named(small_disk):
    """uSearch only says that it could not serialize, so the refresh ended with a traceback."""
    index = Index(ndim=64, dtype="f16")
    index.add(np.arange(20_000), np.zeros((20_000, 64), np.float16))
    with pytest.raises(OSError, match=r"No space left on device: '.*/int8\.usearch'"):
        save_index(index, small_disk / "int8.usearch")


@pytest.mark.parametrize("size", [2_000_000, 10_000_000], ids=["at once", "in parts"])
def test_a_disk_without_room_for_a_download_is_one_sentence_and_keeps_no_half_of_it(
    small_disk, bucket, monkeypatch, size
):
    monkeypatch.setattr("pcr_assets.resources.downloads.CACHE", small_disk)
    store = open_store(bucket)
    store.write("small", b"card")
    store.write("weights", b"x" * size)
    with pytest.raises(StoreError, match=rf"could not keep .*/weights in {small_disk}: No space left.*XDG_CACHE_HOME"):
        store.fetch("weights")
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
    assert store.fetch("small").read_bytes() == b"card"
