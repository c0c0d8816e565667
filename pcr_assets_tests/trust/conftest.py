"""A store that offers a first release."""

import pytest

from pcr_assets_tests.trust.offering import World


@pytest.fixture
def world(tmp_path):
    """Its first release is published, and its root pinned by a device."""
    world = World(tmp_path)
    world.publish("first")
    world.pin()
    return world
