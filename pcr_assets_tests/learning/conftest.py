"""Fixtures of this room."""

from pcr_assets_tests.small_student import student

__all__ = ["student"]
