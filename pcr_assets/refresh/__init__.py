"""The command of a refresh: what a person or a CI log sees of it. ``python -m pcr_assets.refresh plan|run|build|explain``.

The decisions are made in :mod:`pcr_assets.planner`.
"""
