"""Both kinds of store, for the tests that say what any store does."""

import pytest

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
