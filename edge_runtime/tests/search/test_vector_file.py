"""Vectors read from an index's file are those of the index, and nothing of the file stays mapped."""

import itertools
import mmap
import os
import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime  # noqa: F401  (before uSearch, see edge_runtime.gallery)
import pytest
from usearch.index import Index

from edge_runtime import gallery as galleries
from edge_runtime.gallery import Gallery, GalleryError, _viewed
from edge_runtime.search import vector_file
from edge_runtime.search.coarse import Coarse, vectors
from edge_runtime.search.vector_file import VectorFile, let_go

SCANS, DIM = 2050, 64
KEYS = np.random.default_rng(1).permutation(SCANS).astype(np.uint64) * 7 + 3


@pytest.fixture
def saved(tmp_path):
    """Writes an index of so many scans, some of them twins, and a catalogue; gives both paths."""

    def save(dtype="f16"):
        made = np.random.default_rng(0).normal(size=(SCANS, DIM)).astype(np.float32)
        made[100:120] = made[:20]
        index = Index(ndim=DIM, metric="cos", dtype=dtype)
        index.add(KEYS, made / np.linalg.norm(made, axis=1, keepdims=True))
        index.save(str(tmp_path / "index.usearch"))
        rows = [f"{key},card{key},0,Name,demo,{key},card{key}\n" for key in KEYS]
        (tmp_path / "catalogue.csv").write_text("key,card_id,view,name,set,number,art_group\n" + "".join(rows))
        return tmp_path / "index.usearch", tmp_path / "catalogue.csv"

    return save


def test_each_scan_has_the_vector_that_its_index_gives(saved):
    path, _ = saved()
    index, pages = _viewed(path)
    file = VectorFile.open(path, pages, index)
    assert np.array_equal(file.vectors(KEYS), vectors(index, KEYS))
    assert file.vectors(KEYS[:0]).shape == (0, DIM)


def test_vectors_of_another_kind_are_left_to_the_index(saved):
    path, _ = saved("f32")
    index, pages = _viewed(path)
    assert VectorFile.open(path, pages, index) is None


def test_a_file_that_lays_vectors_out_otherwise_is_left_to_the_index(saved):
    path, _ = saved()
    index, pages = _viewed(path)
    head = pages[:8]
    for other in (bytes(8) + pages[8:], head + bytes(len(pages) - 8), pages[:1000]):
        mapped = mmap.mmap(-1, len(other))
        mapped.write(other)
        assert VectorFile.open(path, mapped, index) is None


def test_vectors_that_are_read_once_are_not_kept(saved):
    path, catalogue = saved()
    index, pages = _viewed(path)
    file = VectorFile.open(path, pages, index)
    assert np.array_equal(file.vectors(KEYS, keep=False), file.vectors(KEYS))
    assert Gallery.open(path, catalogue)._file._read.cache_info().misses == 0, "opening goes through all of them"


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel what is mapped")
def test_opening_holds_little_of_the_file_at_once(saved, monkeypatch):
    path, _ = saved()
    index, pages = _viewed(path)
    held, looks = [], itertools.count()
    monkeypatch.setattr(vector_file, "SCATTERED", 4)  # of so small a file each vector brings a share

    def looked(index, keys):
        found = vectors(index, keys)
        if next(looks) % 16 == 0:  # the kernel takes its time to say
            held.append(_resident(path))
        return found

    monkeypatch.setattr(vector_file, "vectors", looked)
    let_go(pages)
    assert VectorFile.open(path, pages, index) is not None
    assert len(held) > 30
    assert max(held) < 0.75 * path.stat().st_size
    assert _resident(path) == 0


def test_a_search_answers_the_same_from_the_file_and_from_the_index(saved, monkeypatch):
    queries = np.random.default_rng(2).normal(size=(20, DIM)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    path, catalogue = saved()
    read = Gallery.open(path, catalogue)
    monkeypatch.setattr(galleries.VectorFile, "open", lambda *_: None)
    mapped = Gallery.open(path, catalogue)
    assert read._file is not None
    assert mapped._file is None
    assert read.search(queries, 5) == mapped.search(queries, 5)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel what is mapped")
def test_what_a_first_pass_needs_is_read_without_the_mapped_pages(saved):
    path, _ = saved()
    index, pages = _viewed(path)
    file = VectorFile.open(path, pages, index)
    Coarse(index, partial(file.vectors, keep=False))
    assert _resident(path) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel what is mapped")
def test_a_search_leaves_no_page_of_the_file_in_memory(saved):
    path, catalogue = saved()
    gallery = Gallery.open(path, catalogue)
    gallery.search(np.eye(DIM, dtype=np.float32)[:3])
    assert _resident(path) == 0


def test_a_file_that_is_cut_short_meanwhile_is_said(saved):
    path, catalogue = saved()
    gallery = Gallery.open(path, catalogue)
    os.truncate(path, 8)
    with pytest.raises(GalleryError, match=r"index\.usearch is damaged .*: pull the release again"):
        gallery.search(np.eye(DIM, dtype=np.float32)[:1])


def test_what_was_read_last_is_not_read_again(saved):
    path, catalogue = saved()
    gallery = Gallery.open(path, catalogue)
    card, other = np.eye(DIM, dtype=np.float32)[:2]
    first = gallery.search(card[None])
    os.truncate(path, 8)
    assert gallery.search(card[None]) == first
    with pytest.raises(GalleryError):
        gallery.search(other[None])
    gallery.rest()
    with pytest.raises(GalleryError):
        gallery.search(card[None])


def _resident(path):
    """Bytes of a file that are mapped and in memory."""
    mapped = re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text())
    sizes = [int(re.search(r"\nRss: +(\d+)", each)[1]) << 10 for each in mapped if str(path) in each]
    assert sizes
    return sum(sizes)
