"""All who take part, in the order of the table."""

from peers import copy_detection, hashes, local_features, ours, scanners, untrained
from peers.base import Entry

PROGRAMME: list[Entry] = [
    *ours.ENTRIES,
    *hashes.ENTRIES,
    *scanners.ENTRIES,
    *local_features.ENTRIES,
    *untrained.ENTRIES,
    *copy_detection.ENTRIES,
]


def chosen(names: list[str]) -> list[Entry]:
    """Those whose name or family contains one of the names, all without any. Raises ValueError when nothing fits."""
    wanted = [name.lower() for name in names]
    found = [e for e in PROGRAMME if not wanted or any(w in e.name.lower() or w in e.family for w in wanted)]
    if not found:
        raise ValueError(f"--only {' '.join(names)} fits none of: {'; '.join(entry.name for entry in PROGRAMME)}")
    return found
