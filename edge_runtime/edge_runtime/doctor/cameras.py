"""Cameras: what Linux sees, whether this user may open it, and whether picamera2 is here for those on the ribbon cable."""

import re
from pathlib import Path

from edge_runtime.addresses import is_stream
from edge_runtime.doctor.finding import Finding, failed, fine, note
from edge_runtime.doctor.machine import Machine
from edge_runtime.doctor.software import NUMPY_1, numpy_2_beside_apt

VIDEO = "/sys/class/video4linux"
PARTS_OF_A_PI = ("bcm2835-", "pispbe", "rp1-cfe", "rpi-hevc", "rpivid", "unicam")
"""Video devices of a Pi that are no cameras: codecs, image processors, the receiver behind the ribbon cable."""
SENSOR = re.compile(r"(imx|ov|gc|s5k|ar)\d{3}", re.IGNORECASE)
"""How the sub-device of an image sensor is called, ``imx708_wide 10-001a`` for one."""
INSTALL_PICAMERA2 = (
    "run `sudo apt install python3-picamera2`, and make the environment with `python3 -m venv --system-site-packages`"
)
UNASKED = "a network stream is watched, and not asked here: `edge-runtime watch` says whether it answers"
CABLE = "check the cable, see `rpicam-hello --list-cameras`"


def cameras(machine: Machine, wanted: str | None = None) -> list[Finding]:
    """Every camera that is seen. ``wanted``: the source that a service watches, which must be there then."""
    found = [*_ribbon(machine), *_usb(machine)]
    if wanted is not None and (lacking := _lacking(machine, wanted)):
        found.append(lacking)
    return found or [note("camera", "none is seen; photos, videos and network streams need none", CABLE)]


def _ribbon(machine: Machine) -> list[Finding]:
    sensors = sensors_on_ribbon(machine)
    if not sensors:
        return []
    seen = ", ".join(sensors)
    if not machine.can_import("picamera2"):
        return [failed("camera", f"{seen} is there, picamera2 is not", INSTALL_PICAMERA2, sensors=sensors)]
    if version := numpy_2_beside_apt(machine):
        return [
            failed("camera", f"{seen} is there, but apt's picamera2 can't be imported beside NumPy {version}", NUMPY_1)
        ]
    return [fine("camera", f"{seen} on the ribbon cable, picamera2 is here", sensors=sensors)]


def sensors_on_ribbon(machine: Machine) -> list[str]:
    """Image sensors that the kernel has found."""
    names = [machine.text(path) or "" for path in machine.found(f"{VIDEO}/v4l-subdev*/name")]
    return [name for name in names if SENSOR.match(name)]


def _usb(machine: Machine) -> list[Finding]:
    found = []
    for path in machine.found(f"{VIDEO}/video*/name"):
        name, device = machine.text(path) or "", f"/dev/{path.split('/')[-2]}"
        if name.startswith(PARTS_OF_A_PI):
            continue
        if not machine.exists(device):
            found.append(failed("camera", f"{name} has no {device}", "run `sudo udevadm trigger`, or plug it in again"))
        elif not machine.may_use(machine.at(device)):
            found.append(_no_right(machine, device, name))
        else:
            found.append(fine("camera", f"{device}: {name}", device=device))
    return found


def _no_right(machine: Machine, device: str, name: str) -> Finding:
    cure = f"run `sudo usermod -aG video {machine.user}` and log in again"
    return failed("camera", f"{machine.user} may not open {device} ({name})", cure, device=device)


def _lacking(machine: Machine, wanted: str) -> Finding | None:
    """What a source needs and the device has not, or can't be said to have."""
    if wanted.startswith("@"):
        file, wanted = wanted[1:], (machine.text(wanted[1:]) or "").strip()
        if not wanted:
            cure = f"write the camera there, on one line, and let {machine.user} read it"
            return failed("camera", f"{file} names no camera that {machine.user} could read", cure)
    if re.fullmatch(r"picamera(:\d+)?", wanted):
        if sensors_on_ribbon(machine):
            return None
        return failed("camera", "no camera is seen on the ribbon cable", CABLE)
    device = f"/dev/video{wanted}" if wanted.isdecimal() else wanted
    if (stream := is_stream(device)) or _is_there(machine, device):
        return note("camera", UNASKED) if stream else None
    if device.startswith("/dev/"):
        return failed("camera", f"{device} is not there", "plug it in; `v4l2-ctl --list-devices` says what is")
    said = f"{device} is no camera, and no video or folder that {machine.user} could find"
    return failed("camera", said, "name picamera, 0 or /dev/video0, rtsp://…, a video or a folder, as for `serve`")


def _is_there(machine: Machine, path: str) -> bool:
    try:
        return machine.exists(str(Path(path).absolute()))
    except OSError:  # a folder above it that is another user's, or a name that no file can have
        return False
