"""Folders that every refresh looks at: what devices gave back, and the labels of photos.

Apart from what is done with either, so that a refresh with nothing to do loads neither numpy nor OpenCV.
"""

from collections.abc import Iterable
from itertools import groupby

from pcr_assets.resources.store import Entry, Store, read_if_there

LABELS = "photos.csv"


def days_of(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The listed files of each ``<device>/<date>``."""
    found = sorted(entry for entry in entries if entry.key.count("/") == 2 and not entry.key.endswith("/"))
    return {day: list(files) for day, files in groupby(found, lambda entry: entry.key.rpartition("/")[0])}


def labels_file(photos: Store, above: Store | None) -> bytes:
    """The bytes of ``photos.csv`` in the photos' folder, else in the one above it; empty when there is none."""
    for store in (photos, above):
        if store is not None and (found := read_if_there(store, LABELS)) is not None:
            return found
    return b""
