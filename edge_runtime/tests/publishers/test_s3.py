"""A publisher's bucket: what is read of it, and a server that trickles."""

import time
from types import SimpleNamespace

import pytest
from web_server import BEGINNINGS, always, trickling

from edge_runtime.publishers import deadline
from edge_runtime.publishers.s3 import S3Publisher
from edge_runtime.releases.refusals import NotPublished, Unreachable

pytest.importorskip("boto3")


@pytest.fixture
def bucket(server, monkeypatch):
    """The same server by S3's way of asking: ``/releases`` is the bucket."""
    named = {
        "ENDPOINT_URL": server.url.removesuffix("/releases"),
        "REGION": "us-east-1",
        "ACCESS_KEY_ID": "k",
        "SECRET_ACCESS_KEY": "s",
    }
    for name, value in named.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return S3Publisher("s3://releases")


def test_a_file_is_read_from_any_byte_on(bucket, published):
    whole = (published.releases / "root.json").read_bytes()
    assert b"".join(bucket.read("root.json")) == whole
    assert b"".join(bucket.read("root.json", 10)) == whole[10:]


def test_what_is_not_there_is_not_published(bucket):
    with pytest.raises(NotPublished, match=r"s3://releases/none\.json is missing"):
        list(bucket.read("none.json"))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("RequestTimeTooSkewed", r"clock says \d{4}-.* UTC, .*: set the clock \(timedatectl set-ntp true\)"),
        ("SignatureDoesNotMatch", r"\(SignatureDoesNotMatch\): see to the bucket and the credentials"),
    ],
)
def test_what_the_server_refuses_is_said_with_its_cure(bucket, monkeypatch, code, said):
    """A Pi has no battery for its clock: it was sent to look after bucket and credentials, which were good."""
    from botocore.exceptions import ClientError

    def refuse(**_):
        raise ClientError({"Error": {"Code": code}}, "GetObject")

    monkeypatch.setitem(vars(bucket), "_client", SimpleNamespace(get_object=refuse))
    with pytest.raises(Unreachable, match=said):
        list(bucket.read("timestamp.json"))


@pytest.mark.faults
@pytest.mark.parametrize("where", BEGINNINGS)
def test_what_trickles_is_given_up_wherever_it_does(server, bucket, monkeypatch, where):
    """A byte now and then is no silence: botocore would wait for the rest for hours."""
    monkeypatch.setattr(deadline, "PATIENCE", 0.2)
    monkeypatch.setattr(deadline, "AGAIN", 0.05)
    server.faults["timestamp.json"] = always(trickling(where))
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"s3://releases/timestamp\.json trickles"):
        list(bucket.read("timestamp.json"))
    assert time.monotonic() - began < 5, "it sends for ten seconds"
