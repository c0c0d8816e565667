"""What HailoRT's errors mean, and what a person does about each.

HailoRT speaks in status numbers (`hailort.h`, v4.23.0). Its Python package turns a few into exceptions named after them, puts
the others into a sentence, and lets some through as the native module raises them.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from edge_runtime.embedder import EmbedderError

NAMED = {
    "HailoRTTimeout": 4,
    "HailoRTInvalidOperationException": 6,
    "HailoRTInvalidHEFException": 26,
    "HailoRTDriverOperationFailedException": 36,
    "HailoCommunicationClosedException": 62,
    "HailoRTStreamAborted": 63,
    "HailoRTHEFNotCompatibleWithDevice": 93,
}
"""Status by the exception that HailoRT's Python package makes of it."""

PASSING = frozenset({4, 36, 45, 57, 62, 63, 87, 90})
"""Statuses after which opening the chip again may help: it went silent, or off the bus."""

_LOST = (
    "the Hailo chip was lost",
    "read `dmesg | grep -i hailo`, check its cable and its power supply, and reboot",
)
_VERSIONS = (
    "HailoRT's library and its driver have different versions",
    "run `sudo apt install --reinstall hailo-all` and reboot",
)
_HELD = (
    "another program holds the Hailo chip",
    "stop it (`sudo fuser -v /dev/hailo0` names it), one process owns the chip",
)
_MEMORY = ("there is too little memory for the Hailo chip", "stop other programs, or reboot")

MEANINGS: dict[int, tuple[str, str]] = {
    3: _MEMORY,
    4: ("the Hailo chip gave no answer in time", "if it stays silent, switch its power off and on"),
    13: ("the HEF can't be opened", "pull the release again"),
    26: (
        "the HEF is damaged, or not for this chip (HailoRT before 4.21 doesn't tell which)",
        "pull the release again, or publish one for this chip",
    ),
    36: _LOST,
    45: _LOST,
    57: _LOST,
    62: _LOST,
    63: _LOST,
    64: ("the Hailo driver is not loaded", "run `sudo apt install dkms hailo-all` and reboot"),
    71: _MEMORY,
    73: _HELD,
    74: _HELD,
    75: ("the HEF is for another chip", "publish a release with a model for this one"),
    76: _VERSIONS,
    81: _MEMORY,
    85: _VERSIONS,
    86: _VERSIONS,
    87: _LOST,
    90: _LOST,
    91: ("the HEF is damaged", "pull the release again"),
    92: (
        "the HEF was made by another compiler than this HailoRT reads",
        "run `sudo apt install hailo-all` to update it",
    ),
    93: ("the HEF is for another chip", "publish a release with a model for this one"),
}
"""What happened and the cure, by status."""

OF_THE_MODEL = frozenset({26, 75, 91, 93})
"""Statuses that tell of the HEF; all others tell of the chip, its driver or its library."""


class HailoFault(EmbedderError):
    """The Hailo chip can't be used; the message says why and what to do. ``status``: HailoRT's number, where it gave one."""

    def __init__(self, message: str, status: int | None = None):
        super().__init__(message)
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether opening the chip again may help."""
        return self.status in PASSING

    @property
    def of_the_device(self) -> bool:
        """Whether the chip, and not the model, is to blame: see :mod:`edge_runtime.releases.blame`."""
        return self.status not in OF_THE_MODEL


def status_of(error: Exception) -> int | None:
    """HailoRT's status in an exception of its Python package; None in any other exception."""
    if type(error).__name__ in NAMED:
        return NAMED[type(error).__name__]
    found = re.fullmatch(r"(\d+)|libhailort failed with error: (\d+).*", str(error), re.DOTALL)
    return int(found[1] or found[2]) if found else None


def fault_of(error: Exception) -> HailoFault | None:
    """An exception of HailoRT's as a sentence with its cure; None for any other exception, which is a defect of ours."""
    status = status_of(error)
    if status is None and not type(error).__name__.startswith("Hailo"):
        return None
    if status not in MEANINGS:
        return HailoFault(
            f"HailoRT failed ({error}): read hailort.log in the folder that this program was started in", status
        )
    meaning, cure = MEANINGS[status]
    return HailoFault(f"{meaning} (HailoRT status {status}): {cure}", status)


@contextmanager
def explained() -> Iterator[None]:
    """Turn HailoRT's exceptions into a :class:`HailoFault`; others pass."""
    try:
        yield
    except HailoFault:
        raise
    except Exception as error:  # HailoRT's own exceptions share no base class
        fault = fault_of(error)
        if fault is None:
            raise
        raise fault from error
