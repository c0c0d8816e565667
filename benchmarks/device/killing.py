"""``kill -9`` at random moments of a pull: what lies in the home afterwards is a whole release, or none before the first."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from edge_runtime.releases.home import Home
from edge_runtime.releases.refusals import ReleaseError
from edge_runtime.releases.release import open_release

ROOTS = "EDGE_RUNTIME_TRUSTED_ROOTS"
SILENT: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def trusting(releases: Path, folder: Path) -> dict[str, str]:
    """An environment in which the publisher's root is trusted. Raises ReleaseError where there is none."""
    environment = {**os.environ, ROOTS: str(folder)}
    trust = _command("trust", "--folder", folder, releases / "root.json")
    done = subprocess.run(trust, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(done.stderr.strip().removeprefix("edge-runtime: "))
    return environment


def killing(releases: Path, times: int, work: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Kill so many pulls, each into the home that the last one left; a home that is complete is left for a new one."""
    random.seed(0)
    start = time.monotonic()
    subprocess.run(
        _command("pull", releases, "--home", work / "whole"), check=True, env=environment, capture_output=True
    )
    usual = time.monotonic() - start
    tally = {"none yet": 0, "whole": 0, "damaged": 0}
    number, home = 0, work / "home-0"
    for _ in range(times):
        pull = subprocess.Popen(_command("pull", releases, "--home", home), env=environment, **SILENT)
        time.sleep(random.uniform(0, 1.1 * usual))
        pull.send_signal(signal.SIGKILL)
        pull.wait()
        left = state_of(home)
        tally[left] += 1
        if left == "whole":
            number += 1
            home = work / f"home-{number}"
    mended = subprocess.run(
        _command("pull", releases, "--home", home), env=environment, capture_output=True, check=False
    )
    return {
        "kills": times,
        "usual_pull_seconds": round(usual, 2),
        "left": tally,
        "next_pull_finishes": mended.returncode == 0 and state_of(home) == "whole",
    }


def state_of(home: Path) -> str:
    """What a home holds: ``none yet``, a ``whole`` release, or one that is ``damaged``."""
    if Home(home).pointer is None:
        return "none yet"
    try:
        open_release(home / "releases")
    except ReleaseError:
        return "damaged"
    return "whole"


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "edge_runtime.cli", *map(str, arguments)]
