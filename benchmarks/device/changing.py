"""What `edge-runtime serve` holds in memory while it goes over from one release to another and back, again and again.

Both releases lie whole in a folder whose pointer is moved; they have the same files and other names, or copies of them: then
none of the models that are open serves the other release. The service reads frames all the while, as in `resident.py`.
"""

import hashlib
import json
import os
import re
import shutil
import statistics
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from device.resident import EVERY, PATIENCE, frames_of, read, serving
from edge_runtime.bench.measure import rollup
from edge_runtime.releases.release import Release

WATCHED = 1
"""Seconds between two looks of the service at the pointer."""
SETTLED = 15
"""Frames read after each change."""


def changing(
    release: Release, changes: int, work: Path, python: str = sys.executable, copied: bool = False
) -> dict[str, Any]:
    """Megabytes of the service before the first change; while each is made, at most; and after each, the median and what of that is
    in no file. ``python``: as for `resident.py`; ``copied``: the releases share no model, as where it was trained anew."""
    place = work / ("copied" if copied else "changing")
    names = [_laid(release, place, turn, copied) for turn in ("there", "back")]
    _point(place, names[0])
    rows: list[dict[str, float]] = []
    options = ["--watch-releases", str(WATCHED)]
    with serving(place, frames_of(release, work), python, *options) as (process, address):
        before = _settled(process.pid, address)
        for change in range(changes):
            wanted = names[(change + 1) % 2]
            _point(place, wanted)
            most = max(rollup(process.pid)["resident"] for _ in _until_served(address, wanted))
            rows.append({"most while it changes": most, **_settled(process.pid, address)})
    return {
        "before": _in_mb(before),
        "changes": [_in_mb(row) for row in rows],
        # By this much a change adds to what is held, by the line through all but the first few.
        "growth_mb_per_change": _slope([row["median after"] for row in rows[len(rows) // 4 :]]),
    }


def _laid(release: Release, place: Path, turn: str, copied: bool) -> str:
    """The release under a name of its own in the place."""
    name = f"{release.release_id}-{turn}"
    shutil.copytree(release.folder, place / name, copy_function=shutil.copy2 if copied else os.link)
    manifest = place / name / "manifest.json"
    said = json.dumps(dict(release.manifest) | {"release_id": name})
    manifest.unlink()
    manifest.write_text(said)
    return name


def _point(place: Path, name: str) -> None:
    digest = hashlib.sha256((place / name / "manifest.json").read_bytes()).hexdigest()
    aside = place / ".latest"
    aside.write_text(json.dumps({"release_id": name, "manifest_sha256": digest}))
    aside.replace(place / "latest.json")


def _until_served(address: str, wanted: str) -> Iterator[None]:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with urllib.request.urlopen(f"{address}metrics", timeout=60) as answer:
            if re.search(rf'edge_release_info\{{.*"{re.escape(wanted)}".*\}} 1', answer.read().decode()):
                return
        for _ in range(10):
            yield
            time.sleep(EVERY)
    raise SystemExit(f"edge: the service did not go over to {wanted} in {PATIENCE:.0f} s")


def _settled(pid: int, address: str) -> dict[str, float]:
    """The median of all looks over some frames."""
    end, looks = read(address) + SETTLED, []
    while read(address) < end:
        looks += [rollup(pid) for _ in range(5) if not time.sleep(EVERY)]
    return {
        "median after": statistics.median(look["resident"] for look in looks),
        "anonymous": statistics.median(look["resident"] - look["of files"] for look in looks),
    }


def _in_mb(sizes: dict[str, float]) -> dict[str, float]:
    return {what: round(size / 1e6, 1) for what, size in sizes.items()}


def _slope(values: list[float]) -> float | None:
    if len(values) < 3:
        return None
    return round(statistics.linear_regression(range(len(values)), values).slope / 1e6, 2)
