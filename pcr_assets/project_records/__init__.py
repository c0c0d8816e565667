"""The project's records: what its artifacts, its log of runs and its store say, as files that a person or jq reads."""
