"""The machine's temperature, and whether a Pi is throttled. Nothing is said where nothing can be known."""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from edge_runtime import vitals

THROTTLED = {
    0: "under voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
    16: "under voltage has occurred",
    17: "frequency capping has occurred",
    18: "throttling has occurred",
    19: "soft temperature limit has occurred",
}
"""Bits of ``vcgencmd get_throttled``, as Raspberry Pi's documentation of the command has them."""
FRESH = 5.0
"""Seconds for which the firmware isn't asked again."""


def _get_throttled() -> str:
    """What the Pi's firmware says, empty on other machines."""
    command = shutil.which("vcgencmd")
    if command is None:
        return ""
    try:
        return subprocess.run([command, "get_throttled"], check=False, capture_output=True, text=True, timeout=2).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


class Machine:
    """``thermal``: where Linux lists thermal zones; ``firmware``: asks the Pi's firmware."""

    def __init__(self, thermal: Path = vitals.THERMAL, firmware: Callable[[], str] = _get_throttled):
        self._thermal = thermal
        self._firmware = firmware
        self._asked = -FRESH
        self._bits: int | None = None

    def temperatures(self) -> dict[str, float]:
        """Degrees Celsius by zone."""
        return vitals.temperatures(self._thermal)

    def throttled(self) -> dict[str, int]:
        """1 or 0 for each thing that the firmware reports; empty where there is none."""
        if time.monotonic() - self._asked >= FRESH:
            self._asked = time.monotonic()
            self._bits = vitals.throttled(self._firmware())
        bits = self._bits
        return {} if bits is None else {what: bits >> bit & 1 for bit, what in THROTTLED.items()}
