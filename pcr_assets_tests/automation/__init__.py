"""Tests of pcr_assets.automation."""
