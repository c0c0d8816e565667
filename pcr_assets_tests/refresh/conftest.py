"""The refresh command over a small graph."""

import dagster as dg
import pytest

from pcr_assets_tests.small_graph import SmallGraph


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Nothing is built yet."""
    monkeypatch.delenv("PCR_PROFILE", raising=False)
    with dg.DagsterInstance.ephemeral() as instance:
        yield SmallGraph(tmp_path, instance)
