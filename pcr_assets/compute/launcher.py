"""What every launcher of programs offers, and what it tells afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class JobFailed(Exception):
    """A program ended with an error; the message is its own sentence about it."""


@dataclass(frozen=True)
class Ran:
    """What a program ran on, as the log of runs keeps it: see :func:`pcr_assets.resources.hardware.here`.

    Of rented machines ``hardware`` says besides: ``instance``, ``instances``, whether they were ``spot`` capacity, and which
    ``jobs`` are billed here. ``billed_seconds`` are those of all rented machines together, None where nobody is paid.
    """

    hardware: Mapping[str, Any] = field(default_factory=dict)
    billed_seconds: float | None = None


class Launcher(Protocol):
    """Runs a program on a job. Another way to compute is a class of this kind and a line in ``resource.LAUNCHERS``."""

    def run(self, module: str, job: Mapping[str, Any], workdir: Path) -> Ran:
        """Run ``python -m module JOB.json`` to its end; afterwards the files it wrote lie in ``workdir``, which is the job's
        ``out``. Started again after it was killed, it goes on from what lies there. Raises :class:`JobFailed`."""
