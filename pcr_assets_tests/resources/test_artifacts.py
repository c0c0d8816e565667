"""Artifacts: immutable versions and one pointer, whatever happens on the way."""

from pathlib import Path

import pytest

from pcr_assets.resources.artifacts import ArtifactDamaged, ArtifactMissing, Artifacts
from pcr_assets.resources.store import FolderStore, Moved, StoreError


@pytest.fixture
def artifacts(tmp_path) -> Artifacts:
    return Artifacts(FolderStore(str(tmp_path)))


def digest(letter: str) -> str:
    return letter * 64


def on_disk(artifacts: Artifacts) -> dict[str, int]:
    """Files of the store and when they were written."""
    root = Path(artifacts.store.root)
    files = (path for path in root.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(root).as_posix(): path.stat().st_mtime_ns for path in files}


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
    artifacts.store.fetch(published.files["x"].key).unlink()
    assert artifacts.find("a") is None
    with pytest.raises(ArtifactMissing, match="is gone"):
        artifacts.fetch(published, "x")


def test_a_lost_file_comes_back_by_publishing_again(artifacts):
    published = artifacts.publish("a", {"x": b"1"}, digest=digest("a"))
    artifacts.store.fetch(published.files["x"].key).unlink()
    artifacts.publish("a", {"x": b"1"}, digest=digest("a"))
    assert artifacts.find("a") == published


def test_a_damaged_file_is_refused(artifacts):
    published = artifacts.publish("a", {"x": b"right"}, digest=digest("a"))
    artifacts.store.fetch(published.files["x"].key).write_bytes(b"wrong")
    with pytest.raises(ArtifactDamaged, match="delete it"):
        artifacts.fetch(published, "x")


def test_the_same_content_writes_nothing(artifacts):
    artifacts.publish("a", {"x": b"1"}, digest=digest("a"), record={"r": 1})
    before = on_disk(artifacts)
    artifacts.publish("a", {"x": b"1, written otherwise"}, digest=digest("a"), record={"r": 1})
    assert on_disk(artifacts) == before


def test_the_same_content_under_another_record_moves_only_the_pointer(artifacts):
    artifacts.publish("a", {"x": b"1"}, digest=digest("a"), record={"seen": 1})
    before = on_disk(artifacts)
    artifacts.publish("a", {"x": b"1"}, digest=digest("a"), record={"seen": 2})
    changed = {name for name, written in on_disk(artifacts).items() if before.get(name) != written}
    assert changed == {"a/current.json"}
    assert artifacts.current("a").record == {"seen": 2}


def test_numbered_versions_count_up_and_stay(artifacts):
    for letter in "abc":
        artifacts.publish("m", {"x": letter.encode()}, digest=digest(letter), numbered=True)
    assert artifacts.current("m").version == "v1.2"
    assert artifacts.store.read("m/v1.0/x") == b"a"


def test_numbered_content_that_comes_back_gets_a_new_version(artifacts):
    for letter in "aba":
        artifacts.publish("m", {"x": letter.encode()}, digest=digest(letter), numbered=True)
    assert artifacts.current("m").version == "v1.2"


def test_kept_files_are_named_again_and_not_written_again(artifacts):
    first = artifacts.publish("cards", {"base1": b"1", "base2": b"2"}, digest=digest("a"))
    before = on_disk(artifacts)
    second = artifacts.publish("cards", {"base2": b"new"}, digest=digest("b"), kept={"base1": first.files["base1"]})
    assert second.files["base1"] == first.files["base1"]
    assert {name: on_disk(artifacts)[name] for name in before if name != "cards/current.json"} == {
        name: written for name, written in before.items() if name != "cards/current.json"
    }
    assert artifacts.fetch(second, "base1").read_bytes() == b"1"


def test_dropped_files_are_not_part_of_the_new_version(artifacts):
    first = artifacts.publish("cards", {"base1": b"1", "base2": b"2"}, digest=digest("a"))
    artifacts.publish("cards", {}, digest=digest("b"), kept={"base1": first.files["base1"]})
    assert set(artifacts.current("cards").files) == {"base1"}


class Dying(FolderStore):
    """A store whose process is killed at the write of one key."""

    def __init__(self, root: str, at: str):
        super().__init__(root)
        self.at = at

    def _replace(self, path: Path, data: bytes | Path) -> None:
        if path.name == self.at:
            raise KeyboardInterrupt
        super()._replace(path, data)


@pytest.mark.parametrize("at", ["x", "y", "current.json"])
def test_a_kill_while_publishing_leaves_the_last_version_whole(artifacts, at):
    before = artifacts.publish("a", {"x": b"1", "y": b"1"}, digest=digest("a"))
    with pytest.raises(KeyboardInterrupt):
        Artifacts(Dying(artifacts.store.root, at)).publish("a", {"x": b"2", "y": b"2"}, digest=digest("b"))
    assert artifacts.find("a") == before
    assert artifacts.fetch(before, "x").read_bytes() == b"1"
    after = artifacts.publish("a", {"x": b"2", "y": b"2"}, digest=digest("b"))
    assert artifacts.find("a") == after


def test_of_two_publishers_the_slower_is_told_and_overwrites_nothing(artifacts):
    class Overtaken(FolderStore):
        """Somebody else publishes between the slower one's files and its pointer."""

        def swap(self, key: str, data: bytes, expected: bytes | None) -> None:
            artifacts.publish("a", {"x": b"faster"}, digest=digest("f"))
            super().swap(key, data, expected)

    slower = Artifacts(Overtaken(artifacts.store.root))
    with pytest.raises(Moved, match="another publisher"):
        slower.publish("a", {"x": b"slower"}, digest=digest("e"))
    assert artifacts.fetch(artifacts.current("a"), "x").read_bytes() == b"faster"


def test_a_pointer_that_is_no_json_is_named(artifacts):
    artifacts.store.write("a/current.json", b'{"version": ')
    with pytest.raises(StoreError, match=r"a/current\.json"):
        artifacts.current("a")


def test_published_pointers_hold_no_clock_and_no_machine(artifacts, tmp_path):
    other = Artifacts(FolderStore(str(tmp_path / "other")))
    for target in (artifacts, other):
        target.publish("a", {"x": b"1"}, digest=digest("a"), record={"b": 1, "a": 2})
    assert artifacts.store.read("a/current.json") == other.store.read("a/current.json")
