"""The store on S3: what only a server has. Digests that it checks, uploads in parts, keys, copies."""

import base64
import hashlib
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pcr_assets.resources import downloads, s3_store
from pcr_assets.resources.store import StoreError, open_store
from pcr_assets_tests.s3_server import S3Server

LARGE = bytes(range(256)) * 36_000
"""9 MB: two parts."""


@pytest.fixture
def store(on_s3):
    return on_s3


def held(store, key: str):
    """What the server knows of an object."""
    return store.client.head_object(**store._at(key), ChecksumMode="ENABLED")


def test_the_server_has_the_sha256_of_what_was_written(store):
    store.write("a", b"card")
    assert base64.b64decode(held(store, "a")["ChecksumSHA256"]) == hashlib.sha256(b"card").digest()


def test_a_large_file_goes_up_in_parts_and_the_server_has_the_sha256_of_them_all(store, tmp_path):
    (tmp_path / "large").write_bytes(LARGE)
    store.write("large", tmp_path / "large")
    found = held(store, "large")
    assert found["ETag"].endswith('-2"')
    assert found["ChecksumSHA256"].endswith("-2")


@pytest.mark.faults
@pytest.mark.parametrize("size", [1, len(LARGE)], ids=["small", "in parts"])
def test_a_body_that_changed_on_its_way_is_refused_by_the_server(store, size, tmp_path):
    """The digest goes with the request; the body is swapped after it was taken, as a broken memory bank would."""

    def other_body(request, **_):
        request.data = b"x" * len(request.data.read() if hasattr(request.data, "read") else request.data)

    for action in ("PutObject", "UploadPart"):
        store.client.meta.events.register(f"before-sign.s3.{action}", other_body)
    (tmp_path / "file").write_bytes(b"y" * size)
    with pytest.raises(StoreError, match=r"what arrived is not what was sent"):
        store.write("a", tmp_path / "file")
    assert store.size("a") is None


def test_an_upload_that_fails_leaves_no_parts_behind(store, tmp_path):
    def refused(**_):
        raise RuntimeError("the last part was refused")

    (tmp_path / "large").write_bytes(LARGE)
    store.client.meta.events.register("before-call.s3.CompleteMultipartUpload", refused)
    with pytest.raises(RuntimeError):
        store.write("large", tmp_path / "large")
    pending = store.client.list_multipart_uploads(Bucket=store.bucket, Prefix=store.prefix)
    assert not pending.get("Uploads")


def test_a_file_is_fetched_once_and_again_when_its_copy_was_damaged(store):
    store.write("a", b"card")
    first = store.fetch("a")
    written = first.stat().st_mtime_ns
    assert store.fetch("a", hashlib.sha256(b"card").hexdigest()).stat().st_mtime_ns == written
    first.write_bytes(b"rust")
    assert store.fetch("a", hashlib.sha256(b"card").hexdigest()).read_bytes() == b"card"


def test_a_copy_that_a_loss_of_power_cut_is_fetched_again_though_nobody_knows_its_sha256(store):
    """Of a photo only the listing is known; an empty copy would have been judged at each report from then on."""
    store.write("photo.jpg", b"all of it")
    (listed,) = store.list()
    (path,) = store.fetch_many([listed])
    path.write_bytes(b"")
    (again,) = store.fetch_many([listed])
    assert again.read_bytes() == b"all of it"


def test_an_object_replaced_while_it_is_fetched_in_parts_is_noticed(store, tmp_path):
    from pcr_assets.resources.store import Replaced

    (tmp_path / "large").write_bytes(LARGE)
    store.write("large", tmp_path / "large")
    (entry,) = store.list()
    store.write("large", LARGE[:-1] + b"?")
    with pytest.raises(Replaced, match="large was replaced after it was listed"):
        list(store.fetch_many([entry]))


def test_keys_in_folders_and_beside_them_are_all_listed_whatever_order_the_server_has(store, s3_server):
    """SeaweedFS lists folder by folder, and passes over a folder whose name a listing begins after."""
    names = ["a-1", "a.1", "b"] + [f"{where}/{number}" for where in ("a", "a.x", "a0", "a-b/c") for number in range(9)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: store.write(f"set/{name}", b""), names))
    begun = set()

    def small(params, **_):
        begun.add(params.get("StartAfter", "").removeprefix(f"{store.prefix}/"))
        return {**params, "MaxKeys": 3}

    store.client.meta.events.register("provide-client-params.s3.ListObjectsV2", small)
    assert [entry.key for entry in store.list("set")] == sorted(f"set/{name}" for name in names)
    if isinstance(s3_server, S3Server):
        assert begun - {""} <= {f"set/{name}" for name in names}, "a listing of SeaweedFS never begins between two keys"
    left, found = [("", None)], []
    for _ in range(len(names)):
        found += store.list_unordered("set/", left, lambda: False)
        if not left:
            break
    assert sorted(entry.key for entry in found) == sorted(f"set/{name}" for name in names)


def test_a_folder_marker_of_an_s3_console_is_listed_as_one(store):
    store.client.put_object(Bucket=store.bucket, Key=f"{store.prefix}/empty/", Body=b"")
    assert [entry.key for entry in store.list()] == ["empty/"]


@pytest.mark.faults
def test_a_key_of_1024_bytes_is_taken_and_one_more_is_one_sentence(store):
    room = 1024 - len(store.prefix) - 1
    longest = "/".join(["k" * 200] * 4) + "/"
    longest += "z" * (room - len(longest))
    store.write(longest, b"card")
    assert store.read(longest) == b"card"
    with pytest.raises(StoreError, match="too long for a key"):
        store.write(f"{longest}z", b"card")


@pytest.mark.faults
def test_a_bucket_that_is_not_there_is_one_sentence(bucket):
    nowhere = open_store("s3://nowhere/x")
    for ask in (lambda: nowhere.write("a", b""), lambda: nowhere.read("a"), lambda: list(nowhere.list())):
        with pytest.raises(StoreError, match=r"S3 refused s3://nowhere/x.*there is no bucket nowhere: create it"):
            ask()


@pytest.mark.parametrize("written", ["s3://cards/", "s3://cards//", "s3://cards/team/"])
def test_a_slash_at_the_end_of_a_store_names_no_other_place(written):
    """AWS takes s3://cards//project for a folder without a name: nothing of what lies in s3://cards/project would be found."""
    store = open_store(f"{written}/project")
    named = f"{written.rstrip('/')}/project"
    assert (store.root, f"s3://cards/{store.prefix}") == (named, named)


def test_a_root_without_a_bucket_is_one_sentence():
    with pytest.raises(StoreError, match="names no bucket: write s3://bucket"):
        open_store("s3://")


def test_a_removed_object_is_gone_and_a_listing_tells_when_one_was_written(store):
    store.write("old.txt", b"one")
    store.write("new.txt", b"two")
    store.remove("old.txt")
    store.remove("old.txt")
    (entry,) = store.list()
    assert entry.key == "new.txt"
    assert abs(entry.modified - time.time()) < 3600


def test_many_are_removed_by_a_digest_that_every_server_knows(store):
    """JuiceFS and Scality's CloudServer ask for Content-MD5, which boto3 sends no more."""

    def with_md5(request, **_):
        assert base64.b64decode(request.headers["Content-MD5"]) == hashlib.md5(request.body).digest()

    for number in range(3):
        store.write(f"old-{number}", b"")
    store.client.meta.events.register("before-send.s3.DeleteObjects", with_md5)
    store.remove_many(entry.key for entry in list(store.list()))
    assert list(store.list()) == []


def test_downloads_are_kept_in_the_cache_under_their_own_names(store, tmp_path):
    store.write("models/v1.0/weights.safetensors", b"card")
    fetched = store.fetch("models/v1.0/weights.safetensors")
    assert fetched.is_relative_to(tmp_path / "cache")
    assert fetched.name == "weights.safetensors"
    assert not list(Path(tmp_path, "cache").glob(".aside-*"))


def test_a_download_that_make_gc_removes_at_that_moment_is_fetched_again(store, monkeypatch):
    store.write("a", b"card")
    look, make = s3_store.size_of, tempfile.mkstemp

    def removed(path):
        size = look(path)
        path.unlink(missing_ok=True)
        return size

    def with_its_folder(dir, **named):
        monkeypatch.undo()
        Path(dir).rmdir()
        return make(dir=dir, **named)

    path = store.fetch("a")
    monkeypatch.setattr(s3_store, "size_of", removed)
    monkeypatch.setattr(tempfile, "mkstemp", with_its_folder)
    assert store.fetch("a") == path
    assert path.read_bytes() == b"card"


def test_an_object_whose_name_no_disk_takes_is_kept_under_another_with_its_ending(tmp_path, monkeypatch):
    """AWS takes 1,024 bytes without a slash: one such photo stopped each report, as an error of the system."""
    monkeypatch.setattr(downloads, "CACHE", tmp_path)
    path = downloads.cache_file("s3://photos", f"2027/{'Pokémon ' * 50}.jpg", "etag")
    path.parent.mkdir()
    path.write_bytes(b"a photo")
    assert path.suffix == ".jpg"
