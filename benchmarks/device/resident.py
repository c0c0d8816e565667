"""What `edge-runtime serve` holds in memory: at its start, and while it reads frames, and how much of it is files.

Frames of the release's own pictures lie in a folder and are served over and over. Nobody watches; each frame shows another card,
so that each is read.
"""

import json
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from edge_runtime.bench.frames import frames
from edge_runtime.bench.measure import rollup
from edge_runtime.gallery import read_catalogue
from edge_runtime.judging.references import References
from edge_runtime.releases.release import Release

ALONE = Path(__file__).with_name("alone.py")
EVERY = 0.02
"""Seconds between two looks at its memory."""
SHOWN = 20
"""Frames in the folder."""
PATIENCE = 600.0
"""Seconds until so many frames must have been read."""


def resident(release: Release, count: int, work: Path, python: str = sys.executable) -> dict[str, dict[str, float]]:
    """Megabytes of the service (resident, of that in files, and its share of what processes have in common): at its start, and the
    median and the most of all looks from the second frame to the last.

    ``python``: an interpreter whose environment is that of a device.
    """
    with serving(release.folder, frames_of(release, work), python) as (process, address):
        first = rollup(process.pid)
        for _ in _until(address, 1):
            pass
        looks = [rollup(process.pid), *(rollup(process.pid) for _ in _until(address, count))]
    values = {kind: [look[kind] for look in looks] for kind in first}
    found = {
        "at the start": first,
        f"median of {count} frames": {kind: statistics.median(sizes) for kind, sizes in values.items()},
        f"most of {count} frames": {kind: max(sizes) for kind, sizes in values.items()},
    }
    return {when: {kind: round(size / 1e6, 1) for kind, size in sizes.items()} for when, sizes in found.items()}


def frames_of(release: Release, work: Path) -> Path:
    """A folder with frames of the release's own pictures."""
    folder = work / "frames"
    folder.mkdir(exist_ok=True)
    shown = frames(References(release.references), list(read_catalogue(release.catalogue)), SHOWN)
    for number, (_, image) in enumerate(shown):
        cv2.imwrite(str(folder / f"{number:03d}.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return folder


@contextmanager
def serving(releases: Path, frames: Path, python: str, *options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The service, reading a folder of frames over and over, and its address."""
    command = [python, str(ALONE), "serve", str(releases), str(frames), "--repeat", "--port", "0", *options]
    process = subprocess.Popen([*command, "--log", "json"], stderr=subprocess.PIPE, text=True)
    try:
        yield process, _address(process)
    finally:
        process.terminate()
        process.wait(60)


def _address(process: "subprocess.Popen[str]") -> str:
    said = ""
    for line in process.stderr or ():
        said = str(json.loads(line)["message"]) if line.startswith("{") else line
        if said.startswith("open http"):
            return said.removeprefix("open ")
    raise SystemExit(f"edge: the service ended: {said}")


def _until(address: str, count: int) -> Iterator[None]:
    """Give a turn now and then until so many frames were read. The service is asked for their number once a second."""
    end, asked = time.monotonic() + PATIENCE, 0.0
    while True:
        if time.monotonic() >= asked:
            if read(address) >= count:
                return
            asked = time.monotonic() + 1
        if time.monotonic() > end:
            raise SystemExit(f"edge: the service did not read {count} frames in {PATIENCE:.0f} s")
        time.sleep(EVERY)
        yield


def read(address: str) -> int:
    """Frames that the service has read."""
    with urllib.request.urlopen(f"{address}metrics", timeout=60) as answer:
        found = re.search(r'edge_frames_total\{outcome="read"\} (\S+)', answer.read().decode())
    return int(float(found[1])) if found else 0
