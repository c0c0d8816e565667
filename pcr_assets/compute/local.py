"""A program on this machine. One of its own returns its memory when it ends, and leaves a checkpoint behind when it is killed."""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from pcr_assets.compute.launcher import JobFailed, Ran
from pcr_assets.compute.said import KEPT_LINES, failure
from pcr_assets.resources import bound, hardware
from pcr_assets.settings import Threads


class LocalCompute(dg.ConfigurableResource):
    """Runs programs on this machine with a fixed number of threads: the result of training depends on it."""

    threads: Threads = 2

    def run(self, module: str, job: Mapping[str, Any], workdir: Path) -> Ran:
        """Run ``python -m module JOB.json``; its lines appear as they are written. Raises :class:`JobFailed`."""
        run_here(module, [str(write_job(job, self.threads, workdir))], threads=self.threads, called=module)
        return Ran(hardware.here(self.threads))


def write_job(job: Mapping[str, Any], threads: int, workdir: Path) -> Path:
    """The job's file."""
    file = workdir / "job.json"
    file.write_text(json.dumps({**job, "threads": threads}, indent=1, sort_keys=True))
    return file


def run_here(module: str, arguments: Sequence[str], *, threads: int, called: str) -> None:
    """Run ``python -m module …`` and print its lines; ``called`` is what a person knows it by. Raises :class:`JobFailed`.

    The program ends with this process, whatever ends that.
    """
    process = bound.begun(module, arguments, threads)
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line.rstrip())
        code = process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if code != 0:
        raise JobFailed(failure(called, code, lines))
