"""Both kinds of store, for the tests that say what any store does; and one on S3 alone."""

import pytest

from pcr_assets.resources import s3_client
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path):
    """An empty store: in a folder, then on an S3 server."""
    root = str(tmp_path / "store") if request.param == "folder" else request.getfixturevalue("bucket")
    return open_store(root)


@pytest.fixture
def artifacts(store) -> Artifacts:
    return Artifacts(store)


@pytest.fixture
def on_s3(bucket):
    """A store on S3 with a client of its own, to which a test may do things."""
    s3_client._client.cache_clear()
    yield open_store(bucket)
    s3_client._client.cache_clear()
