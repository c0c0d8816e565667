"""Where a publisher may be, and where it may send a device to: no address that others can read and change."""

import sys

import pytest
from web_server import always, once

from edge_runtime.publishers import open_publisher
from edge_runtime.releases.opening import open_newest
from edge_runtime.releases.refusals import (
    NoRelease,
    NotPublished,
    ReleaseError,
    Unreachable,
)


@pytest.mark.faults
def test_a_redirect_on_the_same_host_is_followed_and_one_to_another_host_is_refused(server, take, published):
    def moved(to):
        return lambda handler, path: handler.answer(302, b"", extra={"Location": to}) is None

    server.faults["timestamp.json"] = once(lambda handler, path: moved(f"/releases/{path}")(handler, path))
    assert take().release_id == published.folder.name
    server.faults["timestamp.json"] = moved("http://localhost:1/elsewhere")
    with pytest.raises(Unreachable, match="redirected to another host, localhost:1"):
        take()
    server.faults["timestamp.json"] = moved(f"{server.url}/metadata/timestamp.json")
    with pytest.raises(Unreachable, match="again and again"):
        take()


def test_no_redirect_leads_from_https_to_what_others_can_read_and_change():
    publisher = open_publisher("https://cards.example.org/releases")
    for location in ("http://cards.example.org/releases/x", "https://cards.example.org:8443/x", "//example.org/x"):
        with pytest.raises(Unreachable, match="redirected to another host"):
            publisher._redirected("https://cards.example.org/releases/x", location)


@pytest.mark.faults
def test_a_redirect_to_what_is_no_address_stops_no_device(server, published, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    good, said = open_newest(server.url, published.trusted).release_id, []
    server.faults["timestamp.json"] = always(
        lambda handler, path: handler.answer(302, b"", extra={"Location": "http://[nowhere"})
    )
    assert open_newest(server.url, published.trusted, say=said.append).release_id == good
    assert "redirected to what is no address" in said[0]


@pytest.mark.faults
def test_a_server_without_releases_and_one_that_is_not_there_say_so(server, take, published, tmp_path):
    server.folder = tmp_path
    with pytest.raises(NoRelease, match="holds no release"):
        take()
    gone = open_publisher("http://127.0.0.1:9/releases")
    with pytest.raises(Unreachable, match="can't be reached"):
        b"".join(gone.read("metadata/timestamp.json"))
    with pytest.raises(NotPublished):
        b"".join(open_publisher(server.url).read("none"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/releases", "not encrypted"),
        ("ftp://example.com/releases", "no place for releases"),
        ("https://[::1/releases", "no place for releases"),
        ("https://example.com:port/releases", "no place for releases"),
        ("https:///releases", "no place for releases"),
        ("https://me:secret@example.com/releases", "carries a password"),
        ("s3://", "names no bucket"),
    ],
)
def test_places_that_are_none_are_refused_and_passwords_not_repeated(url, said):
    with pytest.raises(ReleaseError, match=said) as caught:
        open_publisher(url)
    assert "secret" not in str(caught.value)


def test_a_bucket_without_boto3_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(Unreachable, match="needs boto3: pip install 'boto3>="):
        b"".join(open_publisher("s3://bucket/releases").read("metadata/timestamp.json"))
