"""What does the recogniser cost a device: to start, to hold, to search, to run for long, to be killed?

    python benchmarks/edge.py --store STORE [--cards 17592] [--frames N] [--changes N] [--soak MINUTES] [--kills N] [--output FILE]

The release of the store is grown to so many cards (`device/grown.py`), then one model, on one thread, is timed in processes of
its own: imports, start to first answer, memory, a frame part by part; the search alone on one core, exact and through the
index's graph, with the recall of both; the memory of the service, and while it goes over from one release to another and back;
memory over a soak of so many minutes; and a pull that is killed with SIGKILL at random moments. Wall clock depends on what else
runs: the machine's load is written beside it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from device.alone import unsigned
from device.changing import changing
from device.grown import grow
from device.killing import ROOTS, killing, trusting
from device.resident import resident
from device.searching import searching

from edge_runtime.releases.refusals import ReleaseError
from edge_runtime.releases.release import Release, open_release
from pcr_assets import layout

RESULT = Path(__file__).parent / "results" / "edge.json"
ALONE = Path(__file__).parent / "device" / "alone.py"
WARM = 0.2
"""Share of a soak that is not counted: caches fill."""
MODULES = ("edge_runtime.cli", "edge_runtime.recognizer")


def imports(turns: int = 5) -> dict[str, float]:
    """Seconds that a fresh interpreter takes to import: nothing, the command, all that recognises. The least of some turns."""
    codes = {"nothing": "pass"} | {module: f"import {module}" for module in MODULES}
    return {name: min(_seconds([sys.executable, "-c", code]) for _ in range(turns)) for name, code in codes.items()}


def _seconds(command: Sequence[str]) -> float:
    start = time.monotonic()
    subprocess.run(command, check=True)
    return round(time.monotonic() - start, 3)


def alone(kind: str, *arguments: object) -> dict[str, Any]:
    """What a process of its own measured."""
    command = [sys.executable, str(ALONE), kind, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"edge: {kind} failed: {done.stderr.strip()[-400:]}")
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def soaked(folder: Path, minutes: float) -> dict[str, Any]:
    """How memory grew over a soak: a line through the samples after its first part, and the difference of both ends."""
    run = alone("soak", folder, 60 * minutes)
    samples = np.array(run["samples"], float)
    steady = samples[samples[:, 0] >= WARM * samples[-1, 0]]
    slope = float(np.polyfit(steady[:, 0], steady[:, 1], 1)[0]) if len(steady) > 2 else 0.0
    return {
        "minutes": minutes,
        "frames": run["frames"],
        "events": run["events"],
        "resident_mb": {"after_warm_up": round(steady[0, 1] / 1e6, 1), "at_the_end": round(steady[-1, 1] / 1e6, 1)},
        "growth_mb_per_hour": round(3600 * slope / 1e6, 2),
    }


def measured(release: Release, releases: Path, given: argparse.Namespace, work: Path) -> dict[str, Any]:
    """All of it."""
    folder = grow(release, given.cards, work / "grown")
    with unsigned():
        grown = open_release(folder)
    size = sum(entry["size"] for entry in grown.manifest["files"].values())
    variant = grown.default_variant
    return {
        "cards": given.cards,
        "grown_from": _scans(release),
        "release_mb": round(size / 1e6, 1),
        "variant": variant,
        "imports_seconds": imports(),
        "running": alone("measure", folder, variant, given.frames, time.monotonic()),
        "searching": searching(grown),
        "serving_mb": _resident(grown, given, work),
        "changing_mb": _changing(grown, given, work) if given.changes else None,
        "changing_the_model_mb": _changing(grown, given, work, copied=True) if given.changes else None,
        "soak": soaked(folder, given.soak) if given.soak else None,
        "killed_pulls": killing(releases, given.kills, work, dict(os.environ)) if given.kills else None,
        "load": round(os.getloadavg()[0], 1),
    }


def _resident(grown: Release, given: argparse.Namespace, work: Path) -> dict[str, dict[str, float]]:
    with unsigned():
        return resident(grown, given.served, work, given.python)


def _changing(grown: Release, given: argparse.Namespace, work: Path, copied: bool = False) -> dict[str, Any]:
    with unsigned():
        return changing(grown, given.changes, work, given.python, copied)


def _scans(release: Release) -> int:
    return sum(1 for _ in release.catalogue.open(encoding="utf-8")) - 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True, help="a store with a release")
    parser.add_argument("--cards", type=int, default=17592, help="scans to grow the gallery to")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--served", type=int, default=200, metavar="FRAMES", help="frames that the service reads")
    parser.add_argument(
        "--python", default=sys.executable, help="whose environment is that of a device, for the service"
    )
    parser.add_argument("--changes", type=int, default=4, help="of the release that is served; 0 leaves it out")
    parser.add_argument("--soak", type=float, default=1, metavar="MINUTES", help="0 leaves it out")
    parser.add_argument("--kills", type=int, default=10, help="pulls that are killed; 0 leaves it out")
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    releases = given.store / layout.PROJECT / layout.RELEASES
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as work:
        os.environ[ROOTS] = f"{work}/roots"
        try:
            trusting(releases, Path(work) / "roots")
            pull = [sys.executable, "-m", "edge_runtime.cli", "pull", str(releases), "--home", f"{work}/home"]
            subprocess.run(pull, check=True)
            release = open_release(Path(work) / "home" / "releases")
        except (ReleaseError, subprocess.CalledProcessError) as error:
            print(
                f"edge: {given.store} has no release that opens ({error}): make demo STORE={given.store}",
                file=sys.stderr,
            )
            return 2
        if given.cards < (held := _scans(release)):
            parser.error(
                f"the release holds {held} scans: it can be grown, not cut, for its self-test asks for some of them"
            )
        result = measured(release, releases, given, Path(work))
    print(json.dumps(result, indent=1))
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
