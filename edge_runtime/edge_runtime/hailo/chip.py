"""Is a Hailo chip there, which one, and how warm is it?"""

from dataclasses import dataclass
from typing import Any

from edge_runtime.hailo.faults import HailoFault, explained

RUNS = {
    "hailo8": ("hailo8", "hailo8l"),
    "hailo8l": ("hailo8l",),
    "hailo10h": ("hailo10h",),
}
"""What a HEF may be compiled for, by the chip that shall run it, best first (HailoRT v4.23.0, ``is_hef_compatible``)."""

INSTALL = (
    "run `sudo apt install dkms hailo-all`, reboot, "
    "and make the environment with `python3 -m venv --system-site-packages`"
)


@dataclass(frozen=True)
class Chip:
    """A chip that answered. ``arch``: ``hailo8``, ``hailo8l`` …; ``hailort``: the version of the library."""

    arch: str
    hailort: str
    firmware: str

    @property
    def runs(self) -> tuple[str, ...]:
        """The architectures whose HEFs it runs, best first."""
        return RUNS.get(self.arch, ())


def hailort() -> Any:
    """HailoRT's Python package, imported now. Raises :class:`HailoFault` where it is not installed or can't be loaded."""
    try:
        import hailo_platform
    except ModuleNotFoundError as error:
        raise HailoFault(f"HailoRT's Python package is not installed (no module '{error.name}'): {INSTALL}") from error
    except Exception as error:  # an ImportError for mixed versions, an exception of its own for a missing native part
        raise HailoFault(f"HailoRT's Python package can't be loaded ({error}): {INSTALL}") from error
    return hailo_platform


def find_chip() -> Chip:
    """The first chip of this machine. Raises :class:`HailoFault`."""
    library = hailort()
    with explained():
        found = library.Device.scan()
        if not found:
            raise HailoFault(
                "no Hailo chip is found: check that it sits firmly and that `ls /dev/hailo0` finds it; if not, "
                "run `sudo apt install dkms hailo-all` and reboot"
            )
        with library.Device(found[0]) as device:
            board = device.control.identify()
    arch, runs = board.device_architecture.name.lower(), board.firmware_version
    return Chip(arch, library.__version__, f"{runs.major}.{runs.minor}.{runs.revision}")


def temperature() -> float:
    """Degrees Celsius of the first chip, the higher of its two sensors. Raises :class:`HailoFault`."""
    library = hailort()
    with explained(), library.Device() as device:
        measured = device.control.get_chip_temperature()
        return float(max(measured.ts0_temperature, measured.ts1_temperature))
