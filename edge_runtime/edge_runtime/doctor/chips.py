"""The Hailo chip: on the bus, driven, of one version throughout, fast enough, and with a model of the release."""

import re

from edge_runtime.doctor.finding import Finding, failed, fine, note, refused, warning
from edge_runtime.doctor.machine import Machine
from edge_runtime.doctor.software import NUMPY_1, numpy_2_beside_apt
from edge_runtime.hailo.chip import INSTALL, Chip, find_chip, temperature
from edge_runtime.hailo.faults import HailoFault
from edge_runtime.releases.release import Release

VENDOR = "0x1e60"
"""Hailo Technologies on the PCI bus."""
DRIVERS = ("/sys/module/hailo_pci/version", "/sys/module/hailo1x_pci/version")
DEVICE = "/dev/hailo0"
GENERATIONS = {"2.5": 1, "5.0": 2, "8.0": 3, "16.0": 4}
"""PCI Express generation by its speed in GT/s."""
HOT = 95
"""°C from which a chip's own protection is near; the driver names it as the likely reason of a loss."""
ONE_VERSION = "run `sudo apt install --reinstall hailo-all` and reboot; keep them together with `sudo apt-mark hold`"


def chips(machine: Machine, release: Release | None) -> list[Finding]:
    """Everything about the chip, the bus first; what rests on something that failed is not asked."""
    places = [path for path in machine.found("/sys/bus/pci/devices/*/vendor") if machine.text(path) == VENDOR]
    if not places and not machine.exists(DEVICE):
        return [note("hailo", "no chip on the PCIe bus: the processor answers", "if one is fitted, check how it sits")]
    found = [_link(machine, place.removesuffix("/vendor")) for place in places[:1]]
    driver = next((version for path in DRIVERS if (version := machine.text(path))), None)
    if driver is None or not machine.exists(DEVICE):
        return [*found, failed("hailo driver", f"not loaded, there is no {DEVICE}", INSTALL)]
    if not machine.may_use(machine.at(DEVICE)):
        cure = "reinstall `hailo-all`, whose udev rule gives it to all, and reboot"
        return [*found, failed("hailo driver", f"{machine.user} may not open {DEVICE}", cure)]
    try:
        chip = find_chip()
        degrees = temperature()
    except HailoFault as error:
        return [*found, *_versions(machine, driver, None), refused("hailo", error)]
    return [
        *found,
        *_versions(machine, driver, chip),
        *_numbers(machine, chip),
        _warmth(degrees),
        _model(chip, release),
    ]


def _link(machine: Machine, place: str) -> Finding:
    speed = (machine.text(f"{place}/current_link_speed") or "").split(" ")[0]
    generation = GENERATIONS.get(speed)
    if generation is None:
        return note("pcie", "the kernel doesn't say how fast the chip's link is")
    said = f"generation {generation}, {machine.text(f'{place}/current_link_width') or '?'} lane"
    if generation < 3:
        cure = "add `dtparam=pciex1_gen=3` to /boot/firmware/config.txt and reboot"
        return warning("pcie", f"{said}: the chip would run at 3", cure, generation=generation)
    return fine("pcie", said, generation=generation)


def _versions(machine: Machine, driver: str, chip: Chip | None) -> list[Finding]:
    """Driver, library, Python package and firmware must be of one version, to the last number."""
    names = [path.rpartition("/")[2] for path in machine.found("/usr/lib/**/libhailort.so.*.*.*")]
    libraries = sorted(
        {found[1] for name in names if (found := re.fullmatch(r"libhailort\.so\.(\d+\.\d+\.\d+)", name))}
    )
    versions = {"driver": driver, "library": ", ".join(libraries) or None}
    if chip:
        versions |= {"package": chip.hailort, "firmware": chip.firmware}
    known = {what: version for what, version in versions.items() if version}
    said = ", ".join(f"{what} {version}" for what, version in known.items())
    if len(set(known.values())) > 1:
        return [failed("hailo versions", f"they differ: {said}", ONE_VERSION, **versions)]
    return [fine("hailo versions", said, **versions)]


def _numbers(machine: Machine, chip: Chip) -> list[Finding]:
    """NumPy, which HailoRT's package of a Python below 3.13 wants to be below 2."""
    version = numpy_2_beside_apt(machine)
    if version and chip.hailort.startswith("4."):
        return [warning("hailo numpy", f"HailoRT {chip.hailort} asks for numpy<2, here is {version}", NUMPY_1)]
    return []


def _warmth(degrees: float) -> Finding:
    said = f"{degrees:.0f} °C"
    if degrees >= HOT:
        return failed("hailo temperature", said, "fit a cooler, or let air to the chip", celsius=degrees)
    return fine("hailo temperature", said, celsius=degrees)


def _model(chip: Chip, release: Release | None) -> Finding:
    """Whether the release has a HEF that this chip runs."""
    made = [variant.hw_arch for variant in release.variants.values() if variant.engine == "hailo"] if release else []
    if release is None:
        return fine("hailo", f"a {chip.arch} answers", arch=chip.arch)
    if not made:
        return note("hailo", f"a {chip.arch} answers, the release has no model for one: the processor answers")
    fitting = [arch for arch in chip.runs if arch in made]
    if not fitting:
        archs = ", ".join(sorted(str(arch) for arch in made))
        return failed("hailo", f"this is a {chip.arch}, the release has models for {archs} only", "publish one for it")
    return fine("hailo", f"a {chip.arch} answers, the release's model for {fitting[0]} runs on it", arch=chip.arch)
