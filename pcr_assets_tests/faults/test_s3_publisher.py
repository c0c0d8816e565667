"""A device that pulls from a bucket over a bad line."""

import os

import pytest

from edge_runtime.publishers import open_publisher
from edge_runtime.releases.refusals import NotPublished, Unreachable
from pcr_assets.resources.store import open_store
from pcr_assets_tests.faults.proxy import ALWAYS, answered, cut, reset

PART = os.urandom(3 << 20)
BUSY = answered(503, "SlowDown")


@pytest.fixture
def read(proxy, monkeypatch):
    """Reads a part of three megabytes through the proxy, as a device does."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    monkeypatch.setattr("edge_runtime.publishers.resumed.TRIES", 3)
    monkeypatch.setattr("edge_runtime.publishers.resumed.BACKOFF", 0.001)
    open_store(proxy.root).write("releases/parts/model", PART)
    publisher = open_publisher(f"{proxy.root}/releases")
    return lambda path="parts/model": b"".join(publisher.read(path))


@pytest.mark.parametrize("fault", [BUSY, reset, cut], ids=["503", "reset", "cut"])
def test_a_download_that_fails_once_comes_whole(proxy, read, fault):
    proxy.on("GET", "parts/model", fault)
    assert read() == PART


@pytest.mark.parametrize("fault", [BUSY, reset], ids=["503", "reset"])
def test_a_fault_that_stays_is_one_sentence(proxy, read, fault):
    proxy.on("GET", "parts/model", fault, ALWAYS)
    with pytest.raises(Unreachable, match="parts/model can't be"):
        read()


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_what_is_not_there_or_may_not_be_listed_is_not_published(proxy, read, code):
    proxy.on("GET", "parts/model", answered(404 if code == "NoSuchKey" else 403, code))
    with pytest.raises(NotPublished, match=code):
        read()


def test_a_bucket_that_is_not_there_says_so(read, proxy):
    proxy.on("GET", "parts/model", answered(404, "NoSuchBucket"))
    with pytest.raises(Unreachable, match="NoSuchBucket"):
        read()
