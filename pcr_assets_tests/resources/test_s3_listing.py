"""Listing a bucket in parallel: nothing lost, nothing twice, wherever the keys lie."""

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from pcr_assets.resources import s3_client, s3_listing
from pcr_assets.resources.s3_listing import between
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

    def page(bucket, span):
        spans.append(span)
        bucket.client.meta.events.register(
            "provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 10}, unique_id="small"
        )
        return ask(bucket, span)

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
    found = list(store.list_unordered())
    there = [key for key in keys if ".aside" not in key] + ([] if prefix else ["zz.png"])
    assert sorted((entry.key, entry.size) for entry in found) == sorted(
        (key, 0 if key == "zz.png" else len(key.encode())) for key in there
    )
    assert list(store.list()) == sorted(found)


@pytest.mark.parametrize("layout", ["with odd names", "of one letter", "hidden", "none"])
def test_a_listing_in_pieces_is_the_listing_at_a_go(bucket, small_pages, layout):
    for key in LAYOUTS[layout]:
        bucket.put_object(Bucket="cards", Key=f"raw/{key}", Body=key.encode())
    store, left, found = open_store("s3://cards/raw"), [("", None)], []
    for _ in range(100):
        found += store.list_unordered("", left, lambda: False)
        if not left:
            break
    assert sorted(found) == list(store.list())


def test_below_a_prefix_nothing_else_is_listed(bucket, small_pages):
    for key in ("base1-4.png", "base1/4.png", "base1/.hidden", "base10-4.png", "base2-1.png"):
        bucket.put_object(Bucket="cards", Key=f"raw/{key}", Body=b"")
    store = open_store("s3://cards/raw")
    assert [entry.key for entry in store.list_unordered("base1-")] == ["base1-4.png"]
    assert [entry.key for entry in store.list("base1")] == ["base1/4.png"]


def test_a_span_is_halved_while_a_worker_is_idle(bucket, small_pages):
    for key in LAYOUTS["flat"]:
        bucket.put_object(Bucket="cards", Key=key, Body=b"")
    list(open_store("s3://cards").list_unordered())
    assert len({until for _, until in small_pages}) > s3_listing.WORKERS


def test_a_page_of_nothing_is_not_the_end_where_the_server_says_so(bucket, small_pages, monkeypatch):
    """As servers give that passed over what was removed: what lies behind it would count as deleted."""
    for key in LAYOUTS["flat"]:
        bucket.put_object(Bucket="cards", Key=key, Body=b"")
    store, pages = open_store("s3://cards"), []
    ask = store.client.list_objects_v2

    def emptied(ContinuationToken=None, **asked):
        if ContinuationToken:
            return pages[int(ContinuationToken)]
        pages.append(ask(**asked))
        return {**pages[-1], "Contents": [], "IsTruncated": True, "NextContinuationToken": str(len(pages) - 1)}

    monkeypatch.setattr(store.client, "list_objects_v2", emptied)
    monkeypatch.setattr(s3_listing, "WORKERS", 1)
    assert [entry.key for entry in store.list()] == sorted(LAYOUTS["flat"])


def test_a_server_that_begins_each_listing_anew_is_named_and_not_asked_for_ever(bucket, small_pages, monkeypatch):
    for key in LAYOUTS["flat"]:
        bucket.put_object(Bucket="cards", Key=key, Body=b"")
    store = open_store("s3://cards")
    ask = store.client.list_objects_v2
    monkeypatch.setattr(store.client, "list_objects_v2", lambda StartAfter="", **asked: ask(**asked))
    with pytest.raises(StoreError, match=r"the server of s3://cards does not list after a key \(StartAfter\)"):
        list(store.list_unordered())


def test_the_parser_changes_nothing_that_a_listing_says(bucket):
    bucket.put_object(Bucket="cards", Key="raw/a b.png", Body=b"scan")
    theirs = boto3.client("s3").list_objects_v2(Bucket="cards")
    store = open_store("s3://cards")
    list(store.list_unordered())
    ours = store.client.list_objects_v2(Bucket="cards")
    kept = ("Key", "Size", "ETag", "LastModified")
    assert ours["Contents"] == [{name: entry[name] for name in kept} for entry in theirs["Contents"]]
    rest = {"Contents", "ResponseMetadata"}
    assert {k: v for k, v in ours.items() if k not in rest} == {k: v for k, v in theirs.items() if k not in rest}


def test_a_bucket_that_is_not_there_is_one_sentence(bucket):
    with pytest.raises(StoreError, match=r"S3 refused s3://nowhere \(NoSuchBucket\): there is no bucket nowhere"):
        list(open_store("s3://nowhere").list_unordered())


def test_a_listing_may_be_left_half_read(bucket, small_pages):
    for key in LAYOUTS["flat"]:
        bucket.put_object(Bucket="cards", Key=key, Body=b"")
    listing = open_store("s3://cards").list_unordered()
    next(listing)
    listing.close()


def test_a_folder_is_listed_as_ever(tmp_path):
    (tmp_path / "base1-4.png").write_bytes(b"scan")
    assert list(FolderStore(str(tmp_path)).list_unordered()) == list(FolderStore(str(tmp_path)).list())


def test_half_way_between_two_sets_is_a_set_between_them():
    assert [between("base1-4", None), between("base1-4", "base9-2")] == ["ppIq", "base5-3"]


@given(st.text(max_size=6), st.none() | st.text(max_size=6))
def test_what_lies_between_two_keys_lies_between_them(low, high):
    middle = between(low, high)
    assert middle is None or (low < middle and (high is None or middle < high))
