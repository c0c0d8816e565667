"""What a node of a Ray cluster does for a training: it runs the program and tells what that says and writes."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pcr_assets.compute.job_files import named_anew
from pcr_assets.compute.ray_files import Parcel, Stamp, changed, listed, unpack
from pcr_assets.resources import bound, hardware
from pcr_assets.resources.ray_cluster import INSTALL, differences

WAIT_SECONDS = 2.0
"""How long a node waits for the program to end, before it tells how things are."""


class Bench:
    """On a node: a program at work in a scratch folder. Ends with the process that asked for it."""

    def start(
        self, module: str, job: dict[str, Any], given: dict[str, Parcel], there: list[Parcel], asked: dict[str, str]
    ) -> dict[str, Any] | str:
        """Begin; gives what this machine is, or why it can't serve."""
        if differs := differences(asked):
            return f"the Ray node would train something else, for it has {differs}: on each node, {INSTALL}"
        import ray

        self._scratch = TemporaryDirectory(prefix="pcr-")
        inputs, self._out = Path(self._scratch.name, "in"), Path(self._scratch.name, "out")
        self._out.mkdir()
        places = {path: str(unpack(ray.get, parcel, inputs)) for path, parcel in given.items()}
        for parcel in there:
            unpack(ray.get, parcel, self._out)
        file = Path(self._scratch.name, "job.json")
        moved = named_anew(job, lambda path: places[str(path)])
        file.write_text(json.dumps({**moved, "out": str(self._out)}, indent=1, sort_keys=True))
        paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._program = bound.begun(module, [str(file)], job["threads"], paths)
        self._sent: dict[str, Stamp] = listed(self._out)
        self._lines: deque[str] = deque()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return hardware.here(job["threads"])

    def _read(self) -> None:
        assert self._program.stdout is not None
        for line in self._program.stdout:
            self._lines.append(line.rstrip("\n"))

    def news(self) -> tuple[list[str], list[str] | None, list[Parcel], int | None]:
        """Lines since the last call, the files there are (None: not known now), those that are new, and the exit code."""
        import ray

        with contextlib.suppress(subprocess.TimeoutExpired):
            self._program.wait(WAIT_SECONDS)
        code = self._program.poll()
        if code is not None:
            self._reader.join(WAIT_SECONDS)
        found = changed(self._out, self._sent, ray.put)
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        if found is None:
            return lines, None, [], None
        self._sent, parcels = found
        return lines, list(self._sent), parcels, code

    def close(self) -> None:
        """End the program if it still runs, and leave nothing behind: Ray ends this process without a word to it."""
        if self._program.poll() is None:
            self._program.terminate()
            self._program.wait()
        self._scratch.cleanup()
