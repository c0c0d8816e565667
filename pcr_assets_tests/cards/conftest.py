"""Both kinds of store, as the tests of the stores have them."""

from pcr_assets_tests.resources.conftest import store

__all__ = ["store"]
