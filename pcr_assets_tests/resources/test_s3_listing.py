"""Listing a bucket in parallel: nothing lost, nothing twice, wherever the keys lie."""

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from pcr_assets.resources import s3_client, s3_listing
from pcr_assets.resources.s3_listing import between, list_unordered
from pcr_assets.resources.store import FolderStore, StoreError, open_store

LAYOUTS = {
    "flat": [f"base{number % 7}-{number}_Card.png" for number in range(230)],
    "in folders": [f"set{number % 23}/card {number}.png" for number in range(230)],
    "of one letter": ["a" * length + ".png" for length in range(1, 60)],
    "with odd names": [
        "é.png",
        "日本.png",
        "a+b&c.png",
        "100%.png",
        "~.png",
        "Z.png",
        " x.png",
        "<tag>.png",
        "x/",
        "x//y.png",
    ],
    "hidden": [".aside-1", "base1/.aside-2", "base1/a.png"],
    "one": ["base1-4.png"],
    "none": [],
}


@pytest.fixture
def bucket(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3_client._client.cache_clear()  # a client outlives its store, and with it the hooks of another test
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="cards")
        yield client
    s3_client._client.cache_clear()


@pytest.fixture
def small_pages(monkeypatch):
    """Pages of 10 keys, as S3 gives when asked."""
    ask, spans = s3_listing._page, []

    def page(store, span):
        spans.append(span)
        if not hasattr(store, "small"):
            store.small = store.client.meta.events.register(
                "provide-client-params.s3.ListObjectsV2",
                lambda params, **_: {**params, "MaxKeys": 10},
                unique_id="small",
            )
        return ask(store, span)

    monkeypatch.setattr(s3_listing, "_page", page)
    return spans


@pytest.mark.parametrize("prefix", ["raw", ""])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_listing_in_parallel_is_the_listing_in_order(bucket, small_pages, layout, prefix):
    keys = LAYOUTS[layout]
    for key in keys:
        bucket.put_object(Bucket="cards", Key=f"{prefix}/{key}".lstrip("/"), Body=key.encode())
    bucket.put_object(Bucket="cards", Key="raw-not/x.png" if prefix else "zz.png", Body=b"")
    store = open_store(f"s3://cards/{prefix}")
    in_order = list(store.list())  # before the parser is hooked in: botocore's own answer

    found = list(list_unordered(store))

    assert sorted(found) == sorted(in_order)
    assert len(found) == len(set(found))


def test_a_span_is_halved_while_a_worker_is_idle(bucket, small_pages):
    for key in LAYOUTS["flat"]:
        bucket.put_object(Bucket="cards", Key=key, Body=b"")
    list(list_unordered(open_store("s3://cards")))
    assert len({until for _, until in small_pages}) > s3_listing.WORKERS


def test_the_parser_changes_nothing_that_a_listing_says(bucket):
    bucket.put_object(Bucket="cards", Key="raw/a b.png", Body=b"scan")
    theirs = boto3.client("s3").list_objects_v2(Bucket="cards")
    store = open_store("s3://cards")
    list(list_unordered(store))
    ours = store.client.list_objects_v2(Bucket="cards")
    kept = ("Key", "Size", "ETag", "LastModified")
    assert ours["Contents"] == [{name: entry[name] for name in kept} for entry in theirs["Contents"]]
    rest = {"Contents", "ResponseMetadata"}
    assert {k: v for k, v in ours.items() if k not in rest} == {k: v for k, v in theirs.items() if k not in rest}


def test_a_bucket_that_is_not_there_is_one_sentence(bucket):
    with pytest.raises(StoreError, match=r"S3 does not list s3://nowhere \(NoSuchBucket\): check the bucket's name"):
        list(list_unordered(open_store("s3://nowhere")))


def test_a_listing_may_be_left_half_read(bucket, small_pages):
    for key in LAYOUTS["flat"]:
        bucket.put_object(Bucket="cards", Key=key, Body=b"")
    listing = list_unordered(open_store("s3://cards"))
    next(listing)
    listing.close()


def test_a_folder_is_listed_as_ever(tmp_path):
    (tmp_path / "base1-4.png").write_bytes(b"scan")
    assert list(list_unordered(FolderStore(str(tmp_path)))) == list(FolderStore(str(tmp_path)).list())


def test_half_way_between_two_sets_is_a_set_between_them():
    assert [between("base1-4", None), between("base1-4", "base9-2")] == ["ppIq", "base5-3"]


@given(st.text(max_size=6), st.none() | st.text(max_size=6))
def test_what_lies_between_two_keys_lies_between_them(low, high):
    middle = between(low, high)
    assert middle is None or (low < middle and (high is None or middle < high))
