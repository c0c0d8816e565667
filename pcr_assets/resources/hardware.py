"""What this machine is, as a record of a run names it: kinds and counts, never a host's name."""

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

INSTANCE = ("PCR_INSTANCE_TYPE", "SM_CURRENT_INSTANCE_TYPE")
"""Where the type of a rented machine is read: a setting of ours, then what SageMaker tells its training jobs."""
ASK_SECONDS = 10


def here(threads: int) -> dict[str, Any]:
    """``instance`` (None where nobody rents it), ``processor``, ``threads`` of a program, and ``accelerators`` by name."""
    instance = next((os.environ[name] for name in INSTANCE if os.environ.get(name)), None)
    return {
        "instance": instance,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "accelerators": _accelerators(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def _accelerators() -> list[str]:
    """Names of the NVIDIA chips that the driver sees; none without its own program."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        told = subprocess.run(
            [program, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in told.stdout.splitlines() if line.strip()]
