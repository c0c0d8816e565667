"""A small pipeline, empty or built."""

import dagster as dg
import pytest

from pcr_assets_tests.small_graph import SmallGraph


@pytest.fixture
def world(tmp_path):
    with dg.DagsterInstance.ephemeral() as instance:
        yield SmallGraph(tmp_path, instance)


@pytest.fixture
def built(world):
    world.refresh()
    return world
