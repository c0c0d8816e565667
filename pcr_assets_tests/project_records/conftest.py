"""The store that records are tested on."""

import pytest

from pcr_assets_tests.project_records.synthetic import store_with_models


@pytest.fixture
def artifacts(tmp_path):
    return store_with_models(tmp_path / "store")
