"""Errors, resets, cuts, slow answers and flipped bits on the way to S3."""

import hashlib

import pytest

from pcr_assets.resources import s3_client
from pcr_assets.resources.artifacts import ArtifactDamaged, Artifacts
from pcr_assets.resources.store import StoreError, open_store
from pcr_assets_tests.faults.proxy import ALWAYS, answered, cut, damaged, lost, reset, slow

LARGE = bytes(range(256)) * 36_000
"""9 MB: two parts."""
BUSY = answered(503, "SlowDown")
SICK = answered(500, "InternalError")


@pytest.fixture
def artifacts(proxy):
    return Artifacts(open_store(proxy.root))


def publish(artifacts, letter="a", small=b"card"):
    return artifacts.publish("models/student", {"large": LARGE, "small": small}, digest=letter * 64)


def fetched(artifacts):
    current = artifacts.current("models/student")
    return artifacts.fetch(current, "large").read_bytes() == LARGE, artifacts.fetch(current, "small").read_bytes()


@pytest.mark.parametrize("fault", [BUSY, SICK, reset, lost], ids=["503", "500", "reset", "answer lost"])
def test_an_upload_that_fails_once_is_sent_again(proxy, artifacts, fault):
    """Whatever is sent: a part and the end of a large file, a small one, the pointer."""
    for part in ("partNumber=1", "small", "current.json"):
        proxy.on("PUT", part, fault)
    proxy.on("POST", "uploadId=", fault)
    published = publish(artifacts)
    assert artifacts.find("models/student") == published
    assert fetched(artifacts) == (True, b"card")


@pytest.mark.parametrize("fault", [BUSY, SICK, reset, cut, damaged], ids=["503", "500", "reset", "cut", "flipped bit"])
def test_a_download_that_fails_once_is_asked_for_again(proxy, artifacts, fault):
    publish(artifacts)
    for part in ("large", "small", "current.json"):
        proxy.on("GET", part, fault)
    assert fetched(artifacts) == (True, b"card")


@pytest.mark.parametrize("fault", [BUSY, reset, cut], ids=["503", "reset", "cut"])
def test_a_listing_that_fails_once_is_asked_for_again(proxy, fault):
    store = open_store(proxy.root)
    store.write("a", b"")
    proxy.on("GET", "list-type=2", fault)
    assert [entry.key for entry in store.list()] == ["a"]


def test_a_slow_answer_is_waited_for_and_a_silent_server_is_asked_again(proxy, monkeypatch):
    monkeypatch.setattr(s3_client, "SILENT_SECONDS", 1)
    store = open_store(proxy.root)
    store.write("a", b"card")
    for seconds in (0.5, 3):
        proxy.on("GET", "/a", slow(seconds))
        assert store.read("a") == b"card"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (BUSY, r"\(SlowDown\): the server is overloaded or ill, 3 times in a row: look at it, then run again"),
        (reset, "broke off or can't be reached .*: look whether it runs"),
        (cut, "broke off or can't be reached .*: look whether it runs"),
    ],
    ids=["503", "reset", "cut"],
)
def test_a_fault_that_stays_is_one_sentence_and_leaves_no_litter(proxy, artifacts, tmp_path, fault, said):
    publish(artifacts)
    for part in ("small", "large"):
        proxy.on("GET", part, fault, ALWAYS)
        with pytest.raises(StoreError, match=said) as error:
            artifacts.fetch(artifacts.current("models/student"), part)
        assert f"models/student/{'a' * 16}/{part}" in str(error.value)
        assert not [path for path in (tmp_path / "cache").rglob("*") if path.name.startswith((".aside", "object"))]


def test_data_that_arrives_damaged_each_time_is_refused(proxy, artifacts):
    publish(artifacts)
    proxy.on("GET", "large", damaged, ALWAYS)
    with pytest.raises(ArtifactDamaged, match="large is not the file that was published"):
        fetched(artifacts)


def test_a_publisher_that_gives_up_leaves_the_last_version_and_no_parts(proxy, artifacts):
    before = publish(artifacts)
    proxy.on("PUT", "partNumber=2", SICK, ALWAYS)
    with pytest.raises(StoreError, match="overloaded or ill"):
        artifacts.publish("models/student", {"large": LARGE[::-1]}, digest="b" * 64)
    assert artifacts.find("models/student") == before
    assert not proxy.backend.client.list_multipart_uploads(Bucket="cards").get("Uploads")


def test_what_was_published_has_the_digest_that_the_pointer_names(artifacts):
    assert publish(artifacts).files["large"].sha256 == hashlib.sha256(LARGE).hexdigest()
