"""A Raspberry Pi in a folder, and what a doctor finds on it."""

import os

from edge_runtime.doctor.machine import Machine
from edge_runtime.doctor.software import PACKAGES

NOW = 1_800_000_000.0
VERSION = "4.23.0"
BUS = "sys/bus/pci/devices/0001:01:00.0"
SENSOR = "sys/class/video4linux/v4l-subdev2/name"
WEBCAM = "sys/class/video4linux/video0/name"


class Pi:
    """A Raspberry Pi in a folder. Files can be written, commands answered, rights taken."""

    def __init__(self, root):
        self.root, self.denied, self.free = root, set(), 10**12
        self.commands = {"timedatectl": "yes", "vcgencmd": "throttled=0x0"}
        self.modules = {"picamera2"}
        self.broken = {}
        self.versions = dict.fromkeys(PACKAGES, "9.9") | {"numpy": "1.26.4", "opencv-python": "4.11.0"}
        del self.versions["opencv-python-headless"]
        self.write("proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 7000000 kB")
        self.write("proc/mounts", "/dev/mmcblk0p2 / ext4 rw,noatime 0 0")
        self.write("sys/class/thermal/thermal_zone0/temp", "51234")

    def write(self, path, text=""):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def fit_chip(self, speed="8.0 GT/s PCIe", driver=VERSION):
        self.write(f"{BUS}/vendor", "0x1e60\n")
        self.write(f"{BUS}/current_link_speed", speed)
        self.write(f"{BUS}/current_link_width", "1")
        self.write("sys/module/hailo_pci/version", driver)
        self.write("dev/hailo0")
        self.write(f"usr/lib/libhailort.so.{VERSION}")

    @property
    def machine(self):
        return Machine(
            root=self.root,
            user="ada",
            now=lambda: NOW,
            output_of=lambda command: self.commands.get(command[0]),
            version_of=self.versions.get,
            can_import=self.modules.__contains__,
            why_not_loaded=self.broken.get,
            may_use=lambda path: str(path.relative_to(self.root)) not in self.denied,
            free_bytes=lambda path: self.free,
        )


def pulled_at(home, moment):
    os.utime(home / "releases" / "latest.json", (moment, moment))


def by_check(findings):
    return {finding.check: finding for finding in findings}


def is_cured_by(finding, state, *words):
    assert finding.state is state, finding
    assert all(word in f"{finding.said} → {finding.cure}" for word in words), finding
    return True
