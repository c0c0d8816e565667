"""What a server makes of the conditions on writes that keep two publishers apart, and what is done where it keeps none."""

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from pcr_assets.resources.s3_client import connect
from pcr_assets.resources.s3_store import S3Store
from pcr_assets.resources.store import Moved, StoreError


@pytest.fixture
def store(on_s3):
    return on_s3


def publisher(store, *, alone: bool) -> S3Store:
    """The same store for one that promises to be alone, or does not."""
    return S3Store(store.root, replace(store.settings, one_publisher=alone))


def without_conditions(params, **_):
    return {name: value for name, value in params.items() if name not in ("IfNoneMatch", "IfMatch")}


@pytest.mark.faults
@pytest.mark.parametrize("ignored", ["IfNoneMatch", "IfMatch"])
def test_a_server_that_ignores_conditions_is_refused_before_anything_is_published(store, ignored):
    def without_condition(params, **_):
        return {name: value for name, value in params.items() if name != ignored}

    careful = publisher(store, alone=False)
    careful.client.meta.events.register("provide-client-params.s3.PutObject", without_condition)
    for publish in (lambda: careful.create("a", b"card"), lambda: careful.swap("a", b"card", None)):
        with pytest.raises(
            StoreError, match=r"does not keep conditional writes .*, so two publishers could mix their files"
        ):
            publish()
    assert list(store.list()) == []


@pytest.mark.faults
def test_such_a_server_is_written_to_by_one_publisher_that_promises_to_be_alone_and_hears_when_it_was_not(
    store, caplog
):
    """As of Garage, which keeps no condition of a write."""
    alone = publisher(store, alone=True)
    for client in (alone.client, connect(alone.settings, create_only=True)):
        client.meta.events.register("provide-client-params.s3.PutObject", without_conditions)
    assert alone.create("a", b"card")
    assert [record.message for record in caplog.records] == [
        f"{store.root} does not keep conditional writes: let no other publisher write while this one does"
    ]
    assert not alone.create("a", b"another")
    alone.swap("current.json", b"1", None)
    alone.swap("current.json", b"2", b"1")
    for stale in (b"1", None):
        with pytest.raises(Moved):
            alone.swap("current.json", b"3", stale)
    other = publisher(store, alone=False)
    alone.client.meta.events.register("after-call.s3.PutObject", lambda **_: other.write("current.json", b"4"))
    with pytest.raises(Moved, match="moved by another publisher"):
        alone.swap("current.json", b"3", b"2")


@pytest.mark.faults
def test_a_server_that_takes_no_write_with_a_condition_is_refused_too_and_is_sent_none_by_one_publisher(store):
    """As Swift does with If-Match: it was told to be overloaded or ill, and the promise was of no use."""

    def as_swift(params, **_):
        if "If-Match" in params["headers"]:
            said = {"Code": "NotImplemented", "Message": "Conditional object PUTs are not supported."}
            raise ClientError({"Error": said, "ResponseMetadata": {"HTTPStatusCode": 501}}, "PutObject")

    publisher(store, alone=False).client.meta.events.register("before-call.s3.PutObject", as_swift)
    with pytest.raises(StoreError, match=r"does not keep conditional writes .*PCR_S3_ONE_PUBLISHER=1"):
        publisher(store, alone=False).create("a", b"card")
    alone = publisher(store, alone=True)
    alone.client.meta.events.register("before-call.s3.PutObject", as_swift)
    for old, new in ((None, b"1"), (b"1", b"2")):
        alone.swap("current.json", new, old)
    assert alone.create("a", b"card")
    assert alone.read("current.json") == b"2"


@pytest.mark.faults
def test_a_pointer_moves_where_the_server_compares_etags_without_their_quotes(store):
    """As Ceph's gateway does, which never finds one in quotes to be the object's own."""

    def as_ceph(params, **_):
        etag = params.get("IfMatch", "")
        found = f'"{"1" * 32}"' if etag.startswith('"') else f'"{etag}"'
        return {**params, "IfMatch": found} if etag else params

    store.client.meta.events.register("provide-client-params.s3.PutObject", as_ceph)
    for old, new in ((None, b"1"), (b"1", b"2"), (b"2", b"3")):
        store.swap("current.json", new, old)
    assert store.read("current.json") == b"3"
    with pytest.raises(Moved):
        store.swap("current.json", b"4", b"2")


@pytest.mark.faults
def test_a_pointer_stays_where_the_server_keeps_no_condition_on_an_etag_without_quotes(store):
    def ignores_bare_ones(params, **_):
        etag = params.get("IfMatch", "")
        if etag.startswith('"'):
            return {**params, "IfMatch": f'"{"1" * 32}"'}
        return {name: value for name, value in params.items() if name != "IfMatch"}

    store.client.meta.events.register("provide-client-params.s3.PutObject", ignores_bare_ones)
    store.swap("current.json", b"1", None)
    with pytest.raises(Moved):
        store.swap("current.json", b"2", b"1")
    assert store.read("current.json") == b"1"


def test_a_pointer_removed_between_reading_and_moving_was_moved(store):
    store.swap("current", b"1", None)

    def removed(**_):
        store.client.meta.events.unregister("before-call.s3.PutObject", removed)
        store.client.delete_object(**store._at("current"))

    store.client.meta.events.register("before-call.s3.PutObject", removed)
    with pytest.raises(Moved):
        store.swap("current", b"2", b"1")
