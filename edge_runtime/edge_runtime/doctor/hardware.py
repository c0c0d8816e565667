"""Clock, disk, memory, temperature and power of the device."""

from pathlib import Path

from edge_runtime import vitals
from edge_runtime.doctor.finding import Finding, failed, fine, note, warning
from edge_runtime.doctor.machine import Machine

SLOWS_DOWN, SLOWER_STILL = 80, 85
"""°C: a Raspberry Pi's cores slow down from the first, and its GPU too from the second (its documentation, config.txt)."""
LEAST_MEMORY = 300 << 20
"""Bytes that should be free to start with; the answer holds a gallery and a model, see benchmarks/edge.py."""
AS_THE_SERVICE = "run as the service's user: `sudo -u edge-runtime edge-runtime doctor`"
THROTTLED = {
    0: "the supply voltage is too low",
    1: "the processor's frequency is capped",
    2: "the processor is throttled",
    3: "the soft temperature limit is active",
}
"""What a bit of ``vcgencmd get_throttled`` says of now."""


def clock(machine: Machine, pulled: float | None) -> Finding:
    """Whether the clock is set. ``pulled``: when the release here was pulled, in seconds since 1970; no clock may be before it.

    A Raspberry Pi has no battery for its clock: without a network it goes on where it stopped.
    """
    cure = "connect the network and run `sudo timedatectl set-ntp true`, or set it with `sudo timedatectl set-time`"
    if pulled is not None and machine.now() < pulled:
        return failed("clock", f"it is {(pulled - machine.now()) / 3600:.1f} hours before the last pull", cure)
    said = machine.output_of(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
    if said == "yes" or machine.exists("/run/systemd/timesync/synchronized"):
        return fine("clock", "synchronised", synchronised=True)
    if said == "no":
        return warning("clock", "not synchronised: expiry and ages may be misjudged", cure, synchronised=False)
    return note("clock", "timedatectl is not here: whether it is synchronised is not known")


def disk(machine: Machine, home: Path, release_bytes: int | None) -> Finding:
    """Room for two further releases in the home, and the right to write there."""
    there = next(folder for folder in (home, *home.parents) if _is_seen(folder))
    if _is_read_only(machine, there):
        return failed("disk", f"{there} is mounted read-only", "check `dmesg` for errors of the card, then replace it")
    if not machine.may_use(there):
        return warning(
            "disk",
            f"{machine.user} may not write in {there}: nothing new is taken by this user",
            AS_THE_SERVICE,
        )
    free, needed = machine.free_bytes(there), 2 * (release_bytes or 0)
    facts = {"free": free, "needed": needed}
    if free < needed:
        return failed(
            "disk",
            f"{free / 1e6:.0f} MB free in {there}, two releases take {needed / 1e6:.0f} MB",
            f"free space: `sudo du -xh {there} | sort -h | tail`",
            **facts,
        )
    return fine("disk", f"{free / 1e6:.0f} MB free in {there}", **facts)


def _is_seen(folder: Path) -> bool:
    try:
        return folder.exists()
    except PermissionError:  # a folder above it is locked
        return False


def _is_read_only(machine: Machine, folder: Path) -> bool:
    mounts = [line.split() for line in (machine.text("/proc/mounts") or "").splitlines()]
    holding = [fields for fields in mounts if len(fields) >= 4 and folder.is_relative_to(fields[1])]
    # Of two in one place the later covers the earlier.
    deepest = max(reversed(holding), key=lambda fields: len(fields[1]), default=None)
    return deepest is not None and "ro" in deepest[3].split(",")


def memory(machine: Machine) -> Finding:
    """Memory that a program that starts now can have."""
    lines = (line.split() for line in (machine.text("/proc/meminfo") or "").splitlines())
    sizes = {fields[0]: int(fields[1]) << 10 for fields in lines if len(fields) > 1 and fields[1].isdecimal()}
    if "MemAvailable:" not in sizes:
        return note("memory", "/proc/meminfo doesn't say what is free")
    free, whole = sizes["MemAvailable:"], sizes.get("MemTotal:", 0)
    said = f"{free / 1e6:.0f} of {whole / 1e6:.0f} MB free"
    if free < LEAST_MEMORY:
        return warning("memory", said, "stop other programs: `ps aux --sort -rss | head`", free=free, whole=whole)
    return fine("memory", said, free=free, whole=whole)


def temperature(machine: Machine) -> Finding:
    """The warmest sensor of the processor."""
    degrees = vitals.temperatures(machine.at(vitals.THERMAL))
    if not degrees:
        return note("temperature", "this device has no sensor that Linux knows")
    warmest = max(degrees.values())
    said, cure = f"{warmest:.0f} °C", "fit a cooler, or let air to it"
    if warmest >= SLOWER_STILL:
        return failed("temperature", f"{said}: the processor is slowed down", cure, celsius=warmest)
    if warmest >= SLOWS_DOWN:
        return warning("temperature", f"{said}: a Pi slows down from {SLOWS_DOWN} °C", cure, celsius=warmest)
    return fine("temperature", said, celsius=warmest)


def throttling(machine: Machine) -> Finding:
    """What the Pi's firmware says of voltage and speed, now and since the last boot."""
    bits = vitals.throttled(machine.output_of(["vcgencmd", "get_throttled"]) or "")
    if bits is None:
        return note("power", "vcgencmd gives no answer: no Raspberry Pi, or no right to /dev/vcio (group video)")
    now = [said for bit, said in THROTTLED.items() if bits >> bit & 1]
    before = [said for bit, said in THROTTLED.items() if bits >> (bit + vitals.SINCE_BOOT) & 1]
    cure = "use the power supply of this Pi (27 W for a Pi 5) and a short cable; for heat, fit a cooler"
    if now:
        return failed("power", f"now: {', '.join(now)}", cure, throttled=hex(bits))
    if before:
        return warning("power", f"since the last boot: {', '.join(before)}", cure, throttled=hex(bits))
    return fine("power", "neither throttled nor short of voltage since the last boot", throttled=hex(bits))
