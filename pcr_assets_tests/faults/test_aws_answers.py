"""Answers that AWS gives and SeaweedFS doesn't: another write under way, no word to a HEAD, rights by their names."""

import pytest

from pcr_assets.resources import s3_conditions
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import StoreError, open_store
from pcr_assets_tests.faults.proxy import Request, answered

LARGE = bytes(range(256)) * 36_000
"""9 MB: two parts."""
CONFLICT = answered(409, "ConditionalRequestConflict")


@pytest.fixture
def store(proxy, monkeypatch):
    monkeypatch.setattr(s3_conditions, "PAUSES", (0.01, 0.01))
    return open_store(proxy.root)


def wordless(request: Request) -> None:
    request.tell(400, [], b"")


def denied(message: str):
    body = f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>".encode()
    return lambda request: request.tell(403, [("Content-Type", "application/xml")], body)


def test_a_write_that_meets_another_one_is_tried_again(proxy, store):
    """What AWS answers then says nothing of what lies there: it was taken for a file of somebody else's, and missed."""
    for part in (".claims/", "/small", "current.json"):
        proxy.on("PUT", part, CONFLICT)
    proxy.on("POST", "uploadId=", CONFLICT)
    artifacts = Artifacts(store)
    published = artifacts.publish("models/student", {"large": LARGE, "small": b"card"}, digest="a" * 64)
    assert published.version == "a" * 16
    assert artifacts.find("models/student") == published


def test_a_write_that_meets_another_one_each_time_is_one_sentence(proxy, store):
    store.create("warm", b"")
    proxy.on("PUT", "/card", CONFLICT, 3)
    with pytest.raises(StoreError, match=r"ConditionalRequestConflict\): another write of it was under way.*run again"):
        store.create("card", b"")


def test_an_answer_without_a_word_names_the_credentials(proxy, store):
    """AWS's to a HEAD with a token that has expired, as it does in the midst of a refresh."""
    proxy.on("HEAD", "/card", wordless)
    with pytest.raises(StoreError, match=r"most likely the credentials have expired; name others: AWS_PROFILE"):
        store.size("card")


LACKED = "User: a is not authorized to perform: kms:GenerateDataKey on b because no identity-based policy allows it"
FORBIDDEN = "User: a is not authorized to perform: s3:PutObject on b with an explicit deny in a resource-based policy"


@pytest.mark.parametrize(
    ("method", "part", "ask", "message", "said"),
    [
        ("PUT", "/card", "write", LACKED, "their policy lacks kms:GenerateDataKey"),
        (
            "PUT",
            "/card",
            "write",
            FORBIDDEN,
            "a policy, theirs or the bucket's, forbids s3:PutObject as it was asked for",
        ),
        ("DELETE", "/card", "remove", "Access Denied", "their policy lacks s3:DeleteObject there"),
        ("GET", "?uploads", "unfinished", "Access Denied", "their policy lacks s3:ListBucketMultipartUploads"),
    ],
    ids=["of a key", "forbidden", "to remove", "to list uploads"],
)
def test_a_right_that_is_missing_is_named(proxy, store, method, part, ask, message, said):
    asked = {
        "write": lambda: store.write("card", b""),
        "remove": lambda: store.remove("card"),
        "unfinished": lambda: [*store.unfinished()],
    }
    proxy.on(method, part, denied(message))
    with pytest.raises(StoreError, match=f"{said}$"):
        asked[ask]()


@pytest.mark.parametrize(("code", "cure"), [("AccessDenied", "needs s3:DeleteObject there"), ("SlowDown", "run again")])
def test_a_removal_that_was_refused_has_its_own_cure(proxy, store, code, cure):
    refused = f"<DeleteResult><Error><Key>card</Key><Code>{code}</Code><Message>no</Message></Error></DeleteResult>"
    proxy.on(
        "POST", "?delete", lambda request: request.tell(200, [("Content-Type", "application/xml")], refused.encode())
    )
    with pytest.raises(StoreError, match=rf"did not remove .*{cure}"):
        store.remove_many(["card"])


def test_an_upload_that_came_to_its_end_while_the_store_is_tidied_is_none(proxy, store):
    """Nodes write ahead meanwhile; and a rule of the bucket may have ended what `make gc` is about to."""
    upload = store.client.create_multipart_upload(**store._at("large"))["UploadId"]
    (left,) = store.unfinished()
    proxy.on("GET", "uploadId=", answered(404, "NoSuchUpload"))
    assert list(store.unfinished()) == []
    proxy.on("DELETE", "uploadId=", answered(404, "NoSuchUpload"))
    store.drop(left)
    store.client.abort_multipart_upload(**store._at("large"), UploadId=upload)


def test_an_upload_that_somebody_ended_is_one_sentence(proxy, store):
    proxy.on("POST", "uploadId=", answered(404, "NoSuchUpload"))
    with pytest.raises(StoreError, match="somebody ended this upload before it was done"):
        store.write("large", LARGE)


def test_what_a_server_does_not_offer_is_no_illness_of_it(proxy, store):
    proxy.on("GET", "?uploads", answered(501, "NotImplemented"))
    with pytest.raises(StoreError, match=r"\(NotImplemented\): its server does not offer what was asked of it"):
        list(store.unfinished())
