"""Artifacts: immutable versions and one pointer."""

import threading
from pathlib import Path

import pytest

from pcr_assets import digests
from pcr_assets.resources.artifacts import (
    FEW,
    NEEDS,
    Artifact,
    ArtifactDamaged,
    ArtifactMissing,
    Artifacts,
    PublishedFile,
    needed,
)
from pcr_assets.resources.store import FolderStore, StoreError
from pcr_assets_tests.resources.held import digest, held


def lose(artifacts: Artifacts, key: str) -> None:
    store = artifacts.store
    if isinstance(store, FolderStore):
        Path(store.root, key).unlink()
    else:
        store.client.delete_object(**store._at(key))


def test_what_is_published_is_current(artifacts, tmp_path):
    (tmp_path / "weights").write_bytes(b"tensor")
    artifacts.publish("models/a", {"w": tmp_path / "weights", "m": b"{}"}, digest=digest("a"), record={"epochs": 3})
    current = artifacts.current("models/a")
    assert (current.digest, current.version, current.size, current.record) == (digest("a"), "a" * 16, 8, {"epochs": 3})
    assert artifacts.fetch(current, "w").read_bytes() == b"tensor"
    assert artifacts.find("models/a") == current


def test_what_was_never_published_is_missing_and_the_cure_is_named(artifacts):
    assert artifacts.find("models/a") is None
    with pytest.raises(ArtifactMissing, match=r"models/a is not in the store .*make refresh"):
        artifacts.current("models/a")


def test_an_artifact_that_lost_a_file_is_not_found(artifacts):
    published = artifacts.publish("a", {"x": b"1", "y": b"2"}, digest=digest("a"))
    lose(artifacts, published.files["x"].key)
    assert artifacts.find("a") is None
    with pytest.raises(ArtifactMissing, match="is gone"):
        artifacts.fetch(published, "x")


def test_of_an_artifact_of_many_files_that_lost_some_the_others_remain(artifacts):
    files = {f"{number}.parquet": b"1" for number in range(FEW + 2)}
    published = artifacts.publish("a", files, digest=digest("a"))
    assert artifacts.find("a") == published
    lose(artifacts, published.files["3.parquet"].key)
    artifacts.store.write(published.files["4.parquet"].key, b"of another size")
    assert artifacts.find("a") is None
    assert artifacts.remains("a").files.keys() == files.keys() - {"3.parquet", "4.parquet"}
    assert artifacts.remains("b") is None


def test_many_files_of_another_artifact_are_looked_for_by_one_listing(artifacts, monkeypatch):
    """A training snapshot pins the shards of all sets: a request for each, four times a refresh."""
    files = {f"{number}.parquet": b"1" for number in range(FEW + 2)}
    cards = artifacts.publish("data/cards", files, digest=digest("a"))
    pinned = artifacts.publish("data/snapshot", {"table": b"2"}, kept=cards.files, digest=digest("b"))
    size, asked = artifacts.store.size, []
    monkeypatch.setattr(artifacts.store, "size", lambda key: asked.append(key) or size(key))
    assert artifacts.find("data/snapshot") == pinned
    assert asked == [pinned.files["table"].key]
    lose(artifacts, cards.files["3.parquet"].key)
    assert artifacts.find("data/snapshot") is None


def test_an_artifact_that_lost_an_object_it_needs_besides_is_not_found(artifacts):
    names = [letter * 64 for letter in "0ab"]
    for name in names:
        artifacts.store.write(f"parts/{name}", b"part")
    artifacts.store.write(f"parts/{'c' * 64}", b"of another")
    published = artifacts.publish("a", {"x": b"1"}, digest=digest("a"), record={NEEDS: needed("parts", names)})
    assert artifacts.find("a") == published
    lose(artifacts, f"parts/{names[1]}")
    assert artifacts.find("a") is None


def test_several_files_are_fetched_at_once_in_their_order(artifacts, monkeypatch):
    """One after the other, ten thousand shards in a bucket take minutes of waiting."""
    published = artifacts.publish("a", {name: name.encode() for name in "wxyz"}, digest=digest("a"))
    fetch, together = artifacts.store.fetch, threading.Barrier(4, timeout=20)
    monkeypatch.setattr(artifacts.store, "fetch", lambda key, sha256: (together.wait(), fetch(key, sha256))[1])
    found = artifacts.fetch_files(published.files[name] for name in "zxwy")
    assert [path.read_text() for path in found] == ["z", "x", "w", "y"]


def test_a_lost_file_comes_back_by_publishing_again(artifacts):
    published = artifacts.publish("a", {"x": b"1"}, digest=digest("a"))
    lose(artifacts, published.files["x"].key)
    artifacts.publish("a", {"x": b"1"}, digest=digest("a"))
    assert artifacts.find("a") == published


def test_a_damaged_file_is_refused(artifacts):
    published = artifacts.publish("a", {"x": b"right"}, digest=digest("a"))
    artifacts.store.write(published.files["x"].key, b"wrong")
    with pytest.raises(ArtifactDamaged, match="delete it"):
        artifacts.fetch(published, "x")


def test_the_same_content_writes_nothing(artifacts):
    artifacts.publish("a", {"x": b"1"}, digest=digest("a"), record={"r": 1})
    before = held(artifacts)
    artifacts.publish("a", {"x": b"1, written otherwise"}, digest=digest("a"), record={"r": 1})
    assert held(artifacts) == before


def test_other_content_is_published_without_a_look_at_the_files_of_the_last(artifacts, monkeypatch):
    """A listing of a shard for each of thousands of sets, whose answer nothing depends on."""
    files = {f"{number}.parquet": b"1" for number in range(FEW + 2)}
    published = artifacts.publish("a", files, digest=digest("a"))
    monkeypatch.setattr(artifacts, "_there", lambda artifact: pytest.fail("was looked at"))
    artifacts.publish("a", {}, kept={"0.parquet": published.files["0.parquet"]}, digest=digest("b"))


def test_the_same_content_under_another_record_moves_only_the_pointer(artifacts):
    artifacts.publish("a", {"x": b"1"}, digest=digest("a"), record={"seen": 1})
    before = held(artifacts)
    artifacts.publish("a", {"x": b"1"}, digest=digest("a"), record={"seen": 2})
    changed = {name for name, etag in held(artifacts).items() if before.get(name) != etag}
    assert changed == {"a/current.json"}
    assert artifacts.current("a").record == {"seen": 2}


def test_the_same_content_in_files_of_other_names_is_found_under_those(artifacts):
    """As when shards are written down in another way: the record names the new files."""
    artifacts.publish("cards", {"base1-old": b"1", "table": b"t"}, digest=digest("a"), record={"file": "base1-old"})
    artifacts.store.write("cards/ahead/base1-new", b"one")
    ahead = PublishedFile("cards/ahead/base1-new", digests.of_bytes(b"one"), 3)
    artifacts.publish(
        "cards", {"table": b"t"}, kept={"base1-new": ahead}, digest=digest("a"), record={"file": "base1-new"}
    )
    current = artifacts.current("cards")
    assert (current.digest, set(current.files)) == (digest("a"), {"base1-new", "table"})
    assert artifacts.fetch(current, current.record["file"]).read_bytes() == b"one"


def test_numbered_versions_count_up_and_stay(artifacts):
    for letter in "abc":
        artifacts.publish("m", {"x": letter.encode()}, digest=digest(letter), numbered=True)
    assert artifacts.current("m").version == "v1.2"
    assert artifacts.store.read("m/v1.0/x") == b"a"


def test_numbered_content_that_comes_back_gets_a_new_version(artifacts):
    for letter in "aba":
        artifacts.publish("m", {"x": letter.encode()}, digest=digest(letter), numbered=True)
    assert artifacts.current("m").version == "v1.2"


def test_files_that_lie_there_are_adopted_as_they_are_and_the_next_version_counts_on(artifacts):
    artifacts.store.write("models/a/v2.1/w", b"theirs")
    before = held(artifacts)
    theirs = PublishedFile("models/a/v2.1/w", digests.of_bytes(b"theirs"), 6)
    artifacts.adopt(Artifact("models/a", "v2.1", digest("a"), {"w": theirs}, {"adopted": {"from": "models/a/v2.1"}}))
    assert held(artifacts).keys() - before.keys() == {"models/a/current.json"}
    found = artifacts.find("models/a")
    assert artifacts.fetch(found, "w").read_bytes() == b"theirs"
    with pytest.raises(ArtifactMissing, match=r"models/a v2\.1 holds no model\.json, for it was made elsewhere"):
        artifacts.fetch(found, "model.json")
    assert artifacts.publish("models/a", {"w": b"ours"}, digest=digest("b"), numbered=True).version == "v2.2"


def test_kept_files_are_named_again_and_not_written_again(artifacts):
    first = artifacts.publish("cards", {"base1": b"1", "base2": b"2"}, digest=digest("a"))
    before = held(artifacts)
    second = artifacts.publish("cards", {"base2": b"new"}, digest=digest("b"), kept={"base1": first.files["base1"]})
    assert second.files["base1"] == first.files["base1"]
    assert {name: held(artifacts)[name] for name in before if name != "cards/current.json"} == {
        name: etag for name, etag in before.items() if name != "cards/current.json"
    }
    assert artifacts.fetch(second, "base1").read_bytes() == b"1"


def test_dropped_files_are_not_part_of_the_new_version(artifacts):
    first = artifacts.publish("cards", {"base1": b"1", "base2": b"2"}, digest=digest("a"))
    artifacts.publish("cards", {}, digest=digest("b"), kept={"base1": first.files["base1"]})
    assert set(artifacts.current("cards").files) == {"base1"}


def test_a_pointer_that_is_no_json_is_named(artifacts):
    artifacts.store.write("a/current.json", b'{"version": ')
    with pytest.raises(StoreError, match=r"a/current\.json"):
        artifacts.current("a")


def test_published_pointers_hold_no_clock_and_no_machine(artifacts, tmp_path):
    other = Artifacts(FolderStore(str(tmp_path / "other")))
    for target in (artifacts, other):
        target.publish("a", {"x": b"1"}, digest=digest("a"), record={"b": 1, "a": 2})
    assert artifacts.store.read("a/current.json") == other.store.read("a/current.json")
