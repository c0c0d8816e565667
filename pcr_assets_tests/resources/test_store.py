"""What any store does, in a folder and on an S3 server alike."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from pcr_assets.resources.store import Damaged, Entry, FolderStore, Missing, Moved, Replaced, StoreError, open_store

LARGE = bytes(range(256)) * 36_000
"""9 MB: two parts on S3."""


def keys(store, prefix: str = "") -> list[str]:
    return [entry.key for entry in store.list(prefix)]


def test_what_was_written_is_read_listed_and_measured(store):
    store.write("a/b.txt", b"hello")
    assert store.read("a/b.txt") == b"hello"
    assert store.size("a/b.txt") == 5
    assert [(entry.key, entry.size) for entry in store.list()] == [("a/b.txt", 5)]


def test_a_large_file_is_written_and_fetched_like_bytes(store, tmp_path):
    (tmp_path / "source").write_bytes(LARGE)
    store.write("large", tmp_path / "source")
    fetched = store.fetch("large", hashlib.sha256(LARGE).hexdigest())
    assert fetched.read_bytes() == LARGE


def test_a_file_that_is_gone_before_it_is_put_into_the_store_is_named_and_not_its_place_there(store, tmp_path):
    for write in (store.write, store.create):
        with pytest.raises(
            StoreError, match=rf"could not read {tmp_path}/made\.onnx, to put it into the store: No such"
        ):
            write("models/student.onnx", tmp_path / "made.onnx")
    assert keys(store) == []


def test_an_empty_object_is_an_object(store):
    store.write("empty", b"")
    assert (store.size("empty"), store.read("empty"), store.fetch("empty").read_bytes()) == (0, b"", b"")


def test_listing_is_in_the_order_of_keys_and_goes_below_a_prefix_only(store):
    for key in ("b/2", "a/1", "b/10", "ba/3", "a-1", "a.1"):
        store.write(key, b"")
    assert keys(store) == ["a-1", "a.1", "a/1", "b/10", "b/2", "ba/3"]
    assert keys(store, "b") == ["b/10", "b/2"]


def test_a_store_that_is_not_there_yet_is_empty(store):
    assert keys(store) == []


def test_hidden_files_are_not_listed(store):
    for key in ("a.png", ".DS_Store", ".cache/b.png"):
        store.write(key, b"")
    assert keys(store) == ["a.png"]


def test_an_etag_changes_with_the_content(store):
    store.write("a", b"one")
    (before,) = store.list()
    store.write("a", b"two")
    (after,) = store.list()
    assert before.etag != after.etag


@pytest.mark.faults
@pytest.mark.parametrize(
    "key",
    ["a b/c d.png", "Pokémon/リザードン 🔥.png", "a+b&c=d?e#f%20g", "'quoted\" <x>*.png", "/".join(["k" * 200] * 4)],
)
def test_a_key_may_hold_whatever_a_files_name_may(store, key):
    store.write(key, b"card")
    assert keys(store) == [key]
    (entry,) = store.list()
    assert (store.read(key, entry.etag), store.size(key), store.fetch(key).read_bytes()) == (b"card", 4, b"card")


@pytest.mark.faults
@pytest.mark.parametrize("key", ["", "../outside", "a/../../outside", "/etc/passwd", "a//b", "./a", "a/"])
def test_keys_lead_nowhere_outside(store, key):
    for write in (store.write, store.create):
        with pytest.raises(StoreError, match="no key inside"):
            write(key, b"")


@pytest.mark.faults
@pytest.mark.parametrize("key", ["n" * 256, "/".join(["part"] * 210)], ids=["a part of 256", "1,049 in all"])
def test_a_key_that_is_too_long_is_one_sentence(store, key):
    with pytest.raises(StoreError, match=r"too long for a key .* Give shorter names"):
        store.write(key, b"")


def test_a_missing_object_is_named(store):
    with pytest.raises(Missing, match=r"nothing\.txt does not exist"):
        store.read("nothing.txt")
    with pytest.raises(Missing, match=r"nothing\.txt does not exist"):
        store.fetch("nothing.txt")
    assert store.size("nothing.txt") is None


def test_an_object_replaced_since_it_was_listed_is_noticed(store):
    store.write("a.png", b"listed")
    (entry,) = store.list()
    assert store.read("a.png", entry.etag) == b"listed"
    store.write("a.png", b"other!")
    for read in (lambda: store.read("a.png", entry.etag), lambda: list(store.fetch_many([entry]))):
        with pytest.raises(Replaced, match=r"a\.png was replaced after it was listed: run again"):
            read()


def test_many_are_read_in_the_order_asked_for_and_gaps_stay_in_their_place(store):
    for number in range(40):
        store.write(f"{number:02}", str(number).encode())
    entries = [*store.list(), Entry("gone", 1, "etag")]
    *found, gap = store.read_many(reversed(entries[:40])), *store.read_many(entries[40:])
    assert [int(data) for data in found[0]] == list(range(39, -1, -1))
    assert isinstance(gap, Missing)
    *fetched, gap = store.fetch_many([*entries[:3], entries[40]])
    assert [path.read_bytes() for path in fetched] == [b"0", b"1", b"2"]
    assert isinstance(gap, Missing)


def test_reading_many_is_never_far_ahead_of_the_reader(store):
    store.write("a", b"1")
    (entry,) = store.list()
    asked = 0

    def endless():
        nonlocal asked
        while True:
            asked += 1
            yield entry

    many = store.read_many(endless())
    assert [next(many) for _ in range(10)] == [b"1"] * 10
    assert asked < 60


def test_a_file_with_another_digest_than_the_published_one_is_refused(store):
    store.write("a", b"wrong")
    with pytest.raises(Damaged, match="not the file that was published: delete it"):
        store.fetch("a", hashlib.sha256(b"right").hexdigest())


def test_what_is_created_is_never_written_over(store, tmp_path):
    assert store.create("a", b"first")
    assert not store.create("a", b"second")
    (tmp_path / "large").write_bytes(LARGE)
    assert store.create("large", tmp_path / "large")
    assert not store.create("large", b"small")
    assert (store.read("a"), store.size("large")) == (b"first", len(LARGE))


@pytest.mark.faults
def test_of_many_creators_at_once_exactly_one_wins(store):
    def create(number: int) -> bool:
        return store.create("a", bytes([number]))

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(create, range(24)))
    assert sum(won) == 1
    assert store.read("a") == bytes([won.index(True)])


@pytest.mark.faults
def test_a_large_object_of_many_creators_at_once_is_that_of_one_of_them(store, tmp_path):
    """SeaweedFS 4.48 may tell several that they won: who publishes claims a version by a small object first."""

    def create(number: int) -> bool:
        (tmp_path / str(number)).write_bytes(bytes([number]) * len(LARGE))
        return store.create("a", tmp_path / str(number))

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(create, range(4)))
    found = store.read("a")
    assert any(won)
    assert won[found[0]]
    assert found == found[:1] * len(LARGE)


def test_a_pointer_moves_only_from_where_it_was_seen(store):
    store.swap("current", b"1", None)
    store.swap("current", b"2", b"1")
    for expected in (b"1", None):
        with pytest.raises(Moved, match="run again"):
            store.swap("current", b"3", expected)
    assert store.read("current") == b"2"


def test_a_pointer_that_is_gone_was_moved(store):
    with pytest.raises(Moved):
        store.swap("current", b"2", b"1")


@pytest.mark.faults
def test_of_many_publishers_at_once_exactly_one_wins(store):
    def publish(number: int) -> bool:
        try:
            store.swap("current", str(number).encode(), None)
        except Moved:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(publish, range(24))) == 1


def test_a_root_says_which_store_it_is(tmp_path):
    assert type(open_store(str(tmp_path))).__name__ == "FolderStore"
    assert type(open_store("s3://bucket/prefix")).__name__ == "S3Store"


def test_a_removed_object_is_gone_and_so_is_its_empty_folder(store):
    store.write("a/b.txt", b"hello")
    store.remove("a/b.txt")
    store.remove("a/b.txt")
    assert keys(store) == []


def test_a_listing_of_a_folder_tells_when_a_file_was_written(tmp_path):
    store = FolderStore(str(tmp_path))
    store.write("a.txt", b"hello")
    os.utime(store.fetch("a.txt"), (1000, 1000))
    assert [entry.modified for entry in store.list()] == [1000]
