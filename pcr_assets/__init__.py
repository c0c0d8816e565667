"""Card recognition as Dagster assets: from scans in a bucket to a signed release for the edge."""
