"""Traces of trainings in the store: ``profiling/<stage>/<date>/``, kept beside the log of runs and no artifact either."""

from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from pcr_assets import layout
from pcr_assets.resources.store import Store


def keep(store: Store, stage: str, folder: Path) -> str:
    """Put the files of a trace into a folder of today's date, or of another name where today has one; gives its key."""
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    files = sorted(folder.iterdir())
    for number in count(1):
        place = f"{layout.PROFILING}/{stage}/{today}{f'-{number}' if number > 1 else ''}"
        if store.create(f"{place}/{files[0].name}", files[0]):
            for file in files[1:]:
                store.write(f"{place}/{file.name}", file)
            return place
    raise AssertionError("there is always another name")
