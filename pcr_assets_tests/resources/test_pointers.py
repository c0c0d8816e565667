"""Pointers: what lies in the store decides, whatever was read before."""

import json
from dataclasses import replace

import pytest

from pcr_assets.resources.folder_store import FolderStore
from pcr_assets.resources.pointers import Artifact, ArtifactDamaged, Pointers, PublishedFile
from pcr_assets.resources.store import Moved

FIRST = Artifact("cards", "v1", "a" * 64, {"base1": PublishedFile("cards/v1/base1", "b" * 64, 3)}, {"scans": 1})
SECOND = Artifact("cards", "v2", "c" * 64, {}, {"scans": 2})


@pytest.fixture
def store(tmp_path):
    return FolderStore(str(tmp_path))


def test_a_pointer_says_again_what_it_was_given(store):
    pointers = Pointers(store)
    assert pointers.read("cards") == (None, None)
    pointers.move(FIRST, None)
    assert pointers.read("cards") == (store.read("cards/current.json"), FIRST)


def test_a_pointer_that_somebody_else_moved_is_read_anew(store):
    ours, theirs = Pointers(store), Pointers(store)
    ours.move(FIRST, None)
    before, found = ours.read("cards")
    assert found == FIRST
    theirs.move(SECOND, before)
    assert ours.read("cards")[1] == SECOND
    with pytest.raises(Moved):
        ours.move(replace(FIRST, version="v3"), before)


def test_a_pointer_that_is_as_it_was_is_parsed_once(store, monkeypatch):
    pointers, parsed = Pointers(store), []
    pointers.move(FIRST, None)
    loads = json.loads
    monkeypatch.setattr(json, "loads", lambda data: parsed.append(data) or loads(data))
    assert pointers.read("cards")[1] is pointers.read("cards")[1]
    assert len(parsed) == 1


@pytest.mark.parametrize("said", ['{"version": "v1"}', '{"version": "v1", "digest": "d", "files": [], "record": {}}'])
def test_a_pointer_that_was_damaged_since_is_noticed(store, said):
    pointers = Pointers(store)
    pointers.move(FIRST, None)
    pointers.read("cards")
    store.write("cards/current.json", said.encode())
    with pytest.raises(ArtifactDamaged, match=r"cards/current\.json is no pointer to an artifact: delete it"):
        pointers.read("cards")


def test_each_item_of_a_pointer_has_a_line_for_those_who_look_into_it(store):
    Pointers(store).move(FIRST, None)
    lines = store.read("cards/current.json").decode().splitlines()
    assert '"version": "v1"}' in lines
    assert f'"sha256": "{"b" * 64}",' in lines
