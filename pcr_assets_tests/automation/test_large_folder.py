"""A folder so large that one tick can't list it: the listing goes on in the next, and ends as one at a go would."""

import boto3
import pytest
from moto import mock_aws

from pcr_assets.automation import memory, raw_folder
from pcr_assets.automation.memory import Memory
from pcr_assets.automation.raw_folder import RawFolder
from pcr_assets.automation.watch import Watch
from pcr_assets.resources import s3_client
from pcr_assets_tests.automation.conftest import Daemon

COUNT = 36


@pytest.fixture
def bucket(monkeypatch, tmp_path, instance):
    """Scans of 6 sets, listed five at a time; a tick asks for as few pages as it can."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(raw_folder, "TICK_SECONDS", 0)
    s3_client._client.cache_clear()
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="cards")
        for number in range(COUNT):
            s3.put_object(Bucket="cards", Key=f"raw/base{number % 6}-{number}_Card.png", Body=b"scan")
        made = Daemon("s3://cards/raw", instance, tmp_path, Watch(quiet_seconds=60, most_seconds=6000))
        made.s3 = s3
        events = made.project.open(made.project.raw_root).client.meta.events
        events.register("provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 5})
        yield made
    s3_client._client.cache_clear()


def until_listed(daemon, **how):
    """Tick until the whole folder was listed; gives how many ticks that took, and what the last one asks for."""
    for ticks in range(1, 200):
        asked = daemon.tick(after=61, **how)
        if "were listed so far" not in daemon.said:
            return ticks, asked
    raise AssertionError("it never ends")


def test_a_listing_goes_on_tick_by_tick_and_ends_with_every_scan(bucket):
    ticks, asked = until_listed(bucket)
    assert ticks > 2
    assert asked == {}
    ticks, asked = until_listed(bucket)
    assert ticks > 2
    assert (asked["sets"], asked["added"]) == ("base0, base1, base2, base3, base4, base5", str(COUNT))
    assert until_listed(bucket)[1] == {}, "the third listing finds what was asked for"


def test_it_finds_what_one_at_a_go_finds(bucket, monkeypatch):
    until_listed(bucket)
    until_listed(bucket)
    monkeypatch.setattr(raw_folder, "TICK_SECONDS", 60)
    assert until_listed(bucket) == (1, {})
    assert bucket.said == "no card scan changed since the last refresh was asked for"


def test_a_tick_that_read_from_its_queue_for_long_lists_the_less(bucket, monkeypatch):
    monkeypatch.setattr(raw_folder, "TICK_SECONDS", 30)
    clock = [0.0]
    monkeypatch.setattr(raw_folder.time, "monotonic", lambda: clock[0])
    folder = RawFolder(bucket.project)
    clock[0] += 31  # meanwhile there were many messages
    assert folder.look(Memory(), bucket.watch, bucket.now, ask=True).memory.partly


@pytest.mark.faults
def test_a_tick_that_dies_is_made_again_and_nothing_is_counted_twice(bucket):
    for _ in range(3):
        bucket.tick(after=61)
        bucket.tick(after=61, dies=True)
        bucket.restart()
    until_listed(bucket)
    for _ in range(3):
        bucket.tick(after=61)
        bucket.tick(after=61, dies=True)
        bucket.restart()
    assert until_listed(bucket)[1]["added"] == str(COUNT)
    assert len(bucket.runs) == 1


def test_a_record_of_scans_that_is_lost_on_the_way_costs_the_numbers_and_no_more(bucket, tmp_path):
    import shutil

    until_listed(bucket)
    for _ in range(3):
        bucket.tick(after=61)
    shutil.rmtree(tmp_path / "scratch")
    _, asked = until_listed(bucket)
    assert "added" not in asked
    assert asked["sets"].startswith("base0")


def test_a_scan_that_comes_meanwhile_is_asked_for_in_the_end(bucket):
    until_listed(bucket)
    until_listed(bucket)
    bucket.tick(after=61)
    bucket.s3.put_object(Bucket="cards", Key="raw/base0-9999_Card.png", Body=b"scan")
    asked = [until_listed(bucket)[1] for _ in range(4)]
    assert [each["added"] for each in asked if each] == ["1"]


def test_the_cursor_stays_small_on_the_way_with_many_sets_too(bucket, monkeypatch):
    monkeypatch.setattr(memory, "GROUPS", 4)
    monkeypatch.setattr(raw_folder, "GROUPS", 4)
    largest = 0
    for _ in range(200):
        bucket.tick(after=61)
        largest = max(largest, len(bucket.cursor or ""))
        if bucket.runs:
            break
    assert bucket.runs
    assert largest < 2000
