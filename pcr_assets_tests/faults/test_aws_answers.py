"""Answers that AWS gives and SeaweedFS doesn't: another write under way."""

import pytest

from pcr_assets.resources import s3_conditions
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import StoreError, open_store
from pcr_assets_tests.faults.proxy import answered

LARGE = bytes(range(256)) * 36_000
"""9 MB: two parts."""
CONFLICT = answered(409, "ConditionalRequestConflict")


@pytest.fixture
def store(proxy, monkeypatch):
    monkeypatch.setattr(s3_conditions, "PAUSES", (0.01, 0.01))
    return open_store(proxy.root)


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
