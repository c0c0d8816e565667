"""Tests of pcr_assets.cards."""
