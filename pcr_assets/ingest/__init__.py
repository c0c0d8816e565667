"""Raw intake: card scans from the public catalogues into the raw folder, for people who own none. ``make ingest``.

Each picture is fetched once, verified as the pipeline will read it, and published whole. No asset, no Dagster: the raw
folder that this fills is observed like any other.
"""
