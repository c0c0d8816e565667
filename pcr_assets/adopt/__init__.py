"""Taking over what is there: a prefix that was laid out and filled elsewhere, or a store whose Dagster records are lost.

Nothing is moved, copied over or trained. ``python -m pcr_assets.adopt`` is the command.
"""
