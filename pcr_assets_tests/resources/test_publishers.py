"""Several publishers of one artifact, and killed ones: the last version stays whole, and nothing is mixed."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import Moved
from pcr_assets_tests.resources.held import digest, held


class Dying:
    """A store whose process is killed at the write of one key."""

    def __init__(self, store, at: str):
        self.store, self.at = store, at

    def __getattr__(self, name):
        return getattr(self.store, name)

    def create(self, key, data):
        self._die(key)
        return self.store.create(key, data)

    def swap(self, key, data, expected):
        self._die(key)
        self.store.swap(key, data, expected)

    def _die(self, key):
        if self.at and key.endswith(f"/{self.at}"):
            raise KeyboardInterrupt


@pytest.mark.faults
@pytest.mark.parametrize("at", ["x", "y", "current.json"])
def test_a_kill_while_publishing_leaves_the_last_version_whole(artifacts, at):
    before = artifacts.publish("a", {"x": b"1", "y": b"1"}, digest=digest("a"))
    with pytest.raises(KeyboardInterrupt):
        Artifacts(Dying(artifacts.store, at)).publish("a", {"x": b"2", "y": b"2"}, digest=digest("b"))
    assert artifacts.find("a") == before
    assert artifacts.fetch(before, "x").read_bytes() == b"1"
    after = artifacts.publish("a", {"x": b"2", "y": b"2"}, digest=digest("b"))
    assert artifacts.find("a") == after


class Overtaken(Dying):
    """Somebody else publishes between the slower one's files and its pointer."""

    def swap(self, key, data, expected):
        Artifacts(self.store).publish("a", {"x": b"faster"}, digest=digest("f"))
        self.store.swap(key, data, expected)


def test_of_two_publishers_the_slower_is_told_and_overwrites_nothing(artifacts):
    slower = Artifacts(Overtaken(artifacts.store, ""))
    with pytest.raises(Moved, match="another publisher"):
        slower.publish("a", {"x": b"slower"}, digest=digest("e"))
    assert artifacts.fetch(artifacts.current("a"), "x").read_bytes() == b"faster"


@pytest.mark.faults
@pytest.mark.parametrize("size", [5, 9_000_000], ids=["small", "in parts"])
@pytest.mark.parametrize("numbered", [True, False])
def test_two_publishers_at_once_mix_nothing(artifacts, numbered, size):
    """Both take the same version, write other bytes, and come to the pointer at the same time."""
    start = Barrier(2)

    class Waiting(Dying):
        def list(self, prefix=""):
            found = list(self.store.list(prefix))
            start.wait(5)
            return iter(found)

        def swap(self, key, data, expected):
            start.wait(5)
            self.store.swap(key, data, expected)

    def publish(letter: str) -> str | None:
        files = {name: letter.encode() * size for name in ("x", "y", "z")}
        try:
            Artifacts(Waiting(artifacts.store, "")).publish("a", files, digest=digest("d"), numbered=numbered)
        except Moved:
            return None
        return letter

    with ThreadPoolExecutor(2) as pool:
        (winner,) = filter(None, pool.map(publish, "pq"))
    current = artifacts.current("a")
    assert [artifacts.fetch(current, name).read_bytes() for name in "xyz"] == [winner.encode() * size] * 3
    again = artifacts.publish("a", {"x": b"later"}, digest=digest("e"), numbered=numbered)
    assert artifacts.find("a") == again


class Loose(Dying):
    """A server that checks a condition at the end of an upload in parts, but not for two who end at once (SeaweedFS 4.48)."""

    def create(self, key, data):
        if len(data) < 100:
            return self.store.create(key, data)
        self.store.write(key, data)
        return True


@pytest.mark.faults
def test_large_files_are_not_mixed_where_the_server_lets_both_publishers_write_them(artifacts):
    """The other one writes all of its files into the same version while the first is on its way to the pointer."""

    class Meanwhile(Loose):
        def swap(self, key, data, expected):
            with pytest.raises(KeyboardInterrupt):
                Artifacts(Killed(self.store, "")).publish("a", {"x": b"q" * 200}, digest=digest("d"))
            self.store.swap(key, data, expected)

    class Killed(Loose):
        def swap(self, key, data, expected):
            raise KeyboardInterrupt

    published = Artifacts(Meanwhile(artifacts.store, "")).publish("a", {"x": b"p" * 200}, digest=digest("d"))
    assert artifacts.fetch(published, "x").read_bytes() == b"p" * 200


def test_a_publisher_never_writes_over_what_a_killed_one_left(artifacts):
    artifacts.store.write(f"a/{'d' * 16}/x", b"left by a killed one")
    published = artifacts.publish("a", {"x": b"mine"}, digest=digest("d"))
    assert (published.version, artifacts.fetch(published, "x").read_bytes()) == (f"{'d' * 16}-2", b"mine")


def test_the_same_file_of_a_killed_publisher_serves(artifacts):
    artifacts.store.write(f"a/{'d' * 16}/x", b"same")
    before = held(artifacts)
    published = artifacts.publish("a", {"x": b"same"}, digest=digest("d"))
    assert published.version == "d" * 16
    assert held(artifacts).items() >= before.items()
