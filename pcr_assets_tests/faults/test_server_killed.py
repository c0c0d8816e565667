"""The S3 server is killed in the middle of something: nothing half-published is visible, and the next run heals."""

import pytest

from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import StoreError, open_store
from pcr_assets_tests.faults.proxy import after, cut, lost, reset

LARGE = bytes(range(256)) * 36_000
"""9 MB: two parts."""
GONE = "broke off or can't be reached .*: look whether it runs"


@pytest.fixture
def before(mortal):
    """What was published before the server is killed."""
    return artifacts(mortal).publish("models/student", {"large": LARGE, "small": b"old"}, digest="a" * 64)


def artifacts(mortal) -> Artifacts:
    return Artifacts(open_store(mortal.root))


def publish(mortal):
    files = {"large": LARGE[::-1], "small": b"new"}
    return artifacts(mortal).publish("models/student", files, digest="b" * 64)


@pytest.mark.parametrize(
    ("method", "part", "at"),
    [
        ("PUT", "partNumber=2", "during an upload"),
        ("POST", "uploadId=", "at the end of an upload"),
        ("PUT", "current.json", "before the pointer moves"),
    ],
)
def test_a_publisher_is_told_and_the_last_version_stays(mortal, before, method, part, at):
    mortal.on(method, part, after(mortal.backend.kill, reset))
    with pytest.raises(StoreError, match=GONE):
        publish(mortal)
    mortal.backend.start()
    assert artifacts(mortal).find("models/student") == before
    assert artifacts(mortal).fetch(before, "large").read_bytes() == LARGE
    healed = publish(mortal)
    assert artifacts(mortal).find("models/student") == healed
    assert artifacts(mortal).fetch(healed, "large").read_bytes() == LARGE[::-1]


def test_a_pointer_that_moved_although_nobody_heard_of_it_is_whole(mortal, before):
    def kill_when_done(request):
        request.ask()
        mortal.backend.kill()
        request.reset()

    mortal.on("PUT", "current.json", kill_when_done)
    with pytest.raises(StoreError, match=GONE):
        publish(mortal)
    mortal.backend.start()
    current = artifacts(mortal).find("models/student")
    assert current is not None
    assert (current.digest, artifacts(mortal).fetch(current, "small").read_bytes()) == ("b" * 64, b"new")
    assert publish(mortal) == current


def test_half_a_listing_is_no_listing(mortal):
    store = open_store(mortal.root)
    for number in range(20):
        store.write(f"set/{number}", b"")

    def half(request):
        cut(request)
        mortal.backend.kill()

    mortal.on("GET", "list-type=2", half)
    with pytest.raises(StoreError, match=GONE):
        list(store.list())
    mortal.backend.start()
    assert len(list(store.list())) == 20


def test_a_server_that_was_away_for_one_answer_is_not_noticed(mortal, before):
    def restarted(request):
        mortal.backend.kill()
        mortal.backend.start()
        lost(request)

    mortal.on("GET", "small", restarted)
    assert artifacts(mortal).fetch(before, "small").read_bytes() == b"old"
