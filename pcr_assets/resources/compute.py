"""Where heavy work runs. Training and export are programs (``python -m pcr_assets.learning.…``) that read a job file.

A program of its own returns its memory when it ends, is the same program on every kind of compute, and leaves a
checkpoint behind when it is killed. Only this machine is wired up here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg


class JobFailed(Exception):
    """A program ended with an error; the message is its last line."""


class LocalCompute(dg.ConfigurableResource):
    """Runs programs on this machine with a fixed number of threads: the result of training depends on it."""

    threads: int = 2

    def run(self, module: str, job: Mapping[str, Any], workdir: Path) -> None:
        """Run ``python -m module JOB.json``; its lines appear as they are written. Raises :class:`JobFailed`."""
        file = workdir / "job.json"
        file.write_text(json.dumps({**job, "threads": self.threads}, indent=1, sort_keys=True))
        limits = {name: str(self.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", module, str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **limits},
        )
        last = ""
        try:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
                last = line.strip() or last
            code = process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if code != 0:
            raise JobFailed(
                f"{module} failed ({'killed by signal ' + str(-code) if code < 0 else f'exit {code}'}): {last}"
            )
