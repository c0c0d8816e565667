"""How warm the device is, and what a Pi's firmware says of its power: read here, told by the doctor and in metrics."""

from pathlib import Path

THERMAL = Path("/sys/class/thermal")
SINCE_BOOT = 16
"""Places by which the bits of ``vcgencmd get_throttled`` that tell of the time since the last boot lie above those of now."""


def temperatures(thermal: Path = THERMAL) -> dict[str, float]:
    """Degrees Celsius by zone (``0:cpu-thermal``), those left out that are switched off. The kernel's files hold thousandths."""
    found: dict[str, float] = {}
    for zone in sorted(thermal.glob("thermal_zone*")):
        try:
            degrees = int((zone / "temp").read_text()) / 1000
        except (OSError, ValueError):
            continue
        found[f"{zone.name.removeprefix('thermal_zone')}:{_kind(zone)}"] = degrees
    return found


def _kind(zone: Path) -> str:
    try:
        return (zone / "type").read_text().strip()
    except OSError:
        return ""


def throttled(said: str) -> int | None:
    """The bits of what ``vcgencmd get_throttled`` prints, such as ``throttled=0x50005``; None for anything else."""
    name, _, bits = said.strip().partition("=")
    try:
        return int(bits, 16) if name == "throttled" else None
    except ValueError:
        return None
