"""The store on S3, against moto: the interface is the folder's, and a pointer moves for one publisher only."""

import time

import boto3
import pytest
from moto import mock_aws

from pcr_assets.resources.artifacts import ArtifactMissing, Artifacts
from pcr_assets.resources.store import Missing, Moved, StoreError, open_store


@pytest.fixture
def store(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    monkeypatch.setattr("pcr_assets.resources.store.CACHE", tmp_path / "cache")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="cards", CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
        yield open_store("s3://cards/project")


def test_what_is_written_is_listed_and_read(store):
    store.write("data/b.txt", b"two")
    store.write("data/a b.txt", b"one")
    assert [(entry.key, entry.size) for entry in store.list("data")] == [("data/a b.txt", 3), ("data/b.txt", 3)]
    assert store.read("data/b.txt") == b"two"
    assert store.fetch("data/a b.txt").read_bytes() == b"one"
    assert store.size("data/b.txt") == 3


def test_a_removed_object_is_gone_and_a_listing_tells_when_one_was_written(store):
    store.write("old.txt", b"one")
    store.write("new.txt", b"two")
    store.remove("old.txt")
    store.remove("old.txt")
    (entry,) = store.list()
    assert entry.key == "new.txt"
    assert abs(entry.modified - time.time()) < 3600


def test_what_is_not_there_is_missing(store):
    assert store.size("nothing") is None
    with pytest.raises(Missing, match="s3://cards/project/nothing"):
        store.read("nothing")


def test_of_two_publishers_one_moves_the_pointer_and_the_other_is_told(store):
    store.swap("current.json", b"first", None)
    with pytest.raises(Moved):
        store.swap("current.json", b"mine", None)
    store.swap("current.json", b"second", b"first")
    with pytest.raises(Moved):
        store.swap("current.json", b"mine", b"first")
    assert store.read("current.json") == b"second"


def test_artifacts_are_published_as_in_a_folder(store):
    artifacts = Artifacts(store)
    with pytest.raises(ArtifactMissing, match="make refresh"):
        artifacts.current("models/student")
    published = artifacts.publish("models/student", {"weights": b"w"}, digest="d" * 64, numbered=True)
    assert published.version == "v1.0"
    found = artifacts.find("models/student")
    assert found is not None
    assert artifacts.fetch(found, "weights").read_bytes() == b"w"


def test_a_bucket_that_is_not_there_is_one_sentence(store):
    with pytest.raises(StoreError, match=r"s3://nowhere/x"):
        open_store("s3://nowhere/x").write("a", b"")
