"""Each thing that may be wrong with a device, on a device made of files."""

import json
import os
from dataclasses import replace
from types import SimpleNamespace

import pytest

from edge_runtime.cli import main
from edge_runtime.doctor.cameras import cameras
from edge_runtime.doctor.chips import chips
from edge_runtime.doctor.command import examine, run
from edge_runtime.doctor.finding import State
from edge_runtime.doctor.hardware import clock, disk, memory, temperature, throttling
from edge_runtime.doctor.machine import Machine
from edge_runtime.doctor.releases import DAY, OLD, look
from edge_runtime.doctor.software import packages, processor
from edge_runtime.home import Home
from edge_runtime.publishers import FolderPublisher
from edge_runtime.pull import pull
from edge_runtime.release import open_release

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
        self.versions = {"numpy": "1.26.4", "opencv-python": "4.11.0"}
        for name in ("pillow", "onnxruntime", "usearch", "cryptography", "tuf"):
            self.versions[name] = "9.9"
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
            may_use=lambda path: str(path.relative_to(self.root)) not in self.denied,
            free_bytes=lambda path: self.free,
        )


@pytest.fixture
def pi(tmp_path):
    root = tmp_path / "pi"
    root.mkdir()
    return Pi(root)


@pytest.fixture
def home(device, in_parts, tmp_path):
    """A home with the device's release, pulled a day ago."""
    folder = tmp_path / "home"
    pull(FolderPublisher(in_parts(device).releases), folder)
    pulled_at(folder, NOW - DAY)
    return folder


def pulled_at(home, moment):
    os.utime(home / "releases" / "latest.json", (moment, moment))


def by_check(findings):
    return {finding.check: finding for finding in findings}


def is_cured_by(finding, state, *words):
    assert finding.state is state, finding
    assert all(word in f"{finding.said} → {finding.cure}" for word in words), finding
    return True


def test_a_device_that_is_well_has_nothing_to_cure(pi, home, board):
    pi.fit_chip()
    pi.write(SENSOR, "imx708_wide 10-001a")
    findings = examine(replace(pi.machine, root=pi.root, may_use=lambda path: True), home)
    assert [finding for finding in findings if finding.state.is_bad] == []
    assert by_check(findings)["hailo versions"].said == "driver 4.23.0, library 4.23.0, package 4.23.0, firmware 4.23.0"


# Packages


def test_a_missing_package_is_named(pi):
    del pi.versions["usearch"]
    assert is_cured_by(packages(pi.machine), State.FAILED, "usearch", "install")


def test_opencv_under_another_name_will_do(pi):
    assert "4.11.0" in packages(pi.machine).said


def test_an_onnx_runtime_that_is_not_there_is_told(pi):
    del pi.versions["onnxruntime"]
    assert is_cured_by(processor(pi.machine), State.FAILED, "not installed", "install")
    pi.versions["onnxruntime"] = "9.9"
    assert "CPUExecutionProvider" in processor(pi.machine).said


# The chip


def test_a_device_without_a_chip_is_no_fault(pi):
    (finding,) = chips(pi.machine, None)
    assert finding.state is State.NOTE


def test_a_chip_whose_driver_is_not_loaded(pi, board):
    pi.fit_chip()
    (pi.root / "sys/module/hailo_pci/version").unlink()
    assert is_cured_by(by_check(chips(pi.machine, None))["hailo driver"], State.FAILED, "dkms hailo-all")


def test_a_chip_that_this_user_may_not_open(pi, board):
    pi.fit_chip()
    pi.denied.add("dev/hailo0")
    assert is_cured_by(by_check(chips(pi.machine, None))["hailo driver"], State.FAILED, "ada", "udev")


def test_a_driver_of_another_version_than_the_library(pi, board):
    pi.fit_chip(driver="4.20.0")
    board.driver = "4.20.0"
    found = by_check(chips(pi.machine, None))
    assert is_cured_by(found["hailo versions"], State.FAILED, "driver 4.20.0", "library 4.23.0", "reinstall hailo-all")
    assert is_cured_by(found["hailo"], State.FAILED, "different versions", "reinstall")


def test_a_firmware_of_another_version(pi, board):
    pi.fit_chip()
    board.firmware = "4.20.0"
    assert is_cured_by(by_check(chips(pi.machine, None))["hailo versions"], State.FAILED, "firmware 4.20.0")


def test_a_chip_without_its_python_package(pi, no_hailort):
    pi.fit_chip()
    assert is_cured_by(
        by_check(chips(pi.machine, None))["hailo"], State.FAILED, "not installed", "--system-site-packages"
    )


def test_a_link_of_the_second_generation(pi, board):
    pi.fit_chip(speed="5.0 GT/s PCIe")
    assert is_cured_by(by_check(chips(pi.machine, None))["pcie"], State.WARNING, "generation 2", "pciex1_gen=3")


def test_a_hot_chip(pi, board):
    pi.fit_chip()
    board.temperature = 97.0
    assert is_cured_by(by_check(chips(pi.machine, None))["hailo temperature"], State.FAILED, "97 °C", "cooler")


@pytest.mark.skipif("sys.version_info >= (3, 13)", reason="HailoRT asks for numpy<2 below Python 3.13 only")
def test_a_numpy_that_hailort_does_not_want(pi, board):
    pi.fit_chip()
    pi.versions["numpy"] = "2.4.6"
    assert is_cured_by(by_check(chips(pi.machine, None))["hailo numpy"], State.WARNING, "numpy<2", "pip install")


@pytest.mark.parametrize(
    ("chip", "made", "state"),
    [
        ("HAILO8", "hailo8l", State.FINE),
        ("HAILO8L", "hailo8l", State.FINE),
        ("HAILO8L", "hailo8", State.FAILED),
        ("HAILO8L", None, State.NOTE),
    ],
)
def test_a_model_for_the_smaller_chip_runs_on_the_larger_and_not_the_reverse(
    pi, board, device, for_chips, chip, made, state
):
    pi.fit_chip()
    board.arch = chip
    release = open_release((for_chips(made) if made else device).releases)
    assert by_check(chips(pi.machine, release))["hailo"].state is state


# Cameras


def test_a_camera_on_the_ribbon_cable_needs_picamera2(pi):
    pi.write(SENSOR, "imx708_wide 10-001a")
    assert cameras(pi.machine)[0].state is State.FINE
    pi.modules.clear()
    assert is_cured_by(cameras(pi.machine)[0], State.FAILED, "imx708", "python3-picamera2")


def test_a_usb_camera_that_this_user_may_not_open(pi):
    pi.write(WEBCAM, "HD Webcam")
    pi.write("dev/video0")
    assert cameras(pi.machine)[0].said == "/dev/video0: HD Webcam"
    pi.denied.add("dev/video0")
    assert is_cured_by(cameras(pi.machine)[0], State.FAILED, "usermod -aG video ada")


def test_the_codecs_of_a_pi_are_no_cameras(pi):
    pi.write("sys/class/video4linux/video10/name", "bcm2835-codec-decode")
    pi.write("sys/class/video4linux/video19/name", "rpi-hevc-dec")
    assert [finding.state for finding in cameras(pi.machine)] == [State.NOTE]


@pytest.mark.parametrize("wanted", ["picamera", "picamera:1", "0", "/dev/video7"])
def test_a_camera_that_is_watched_must_be_there(pi, wanted):
    assert cameras(pi.machine, wanted)[-1].state is State.FAILED


@pytest.mark.parametrize("wanted", ["rtsp://camera/stream", "film.mp4"])
def test_a_stream_or_a_film_needs_no_camera(pi, wanted):
    assert cameras(pi.machine, wanted)[-1].state is State.NOTE


# The release


def test_a_home_tells_its_release_and_its_age(pi, home):
    found = by_check(look(pi.machine, home).findings)
    assert found["release"].state is State.FINE
    assert found["release age"].said == "taken 1 days ago"


def test_of_a_publishers_folder_what_was_pulled_from_it_is_examined(pi, published, trusted, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    published.publish()
    assert by_check(look(pi.machine, published.releases).findings)["release"].state is State.FAILED, (
        "nothing was pulled"
    )
    pulled = pull(published.releases, check=lambda folder: None)
    assert pulled.release_id in by_check(look(pi.machine, published.releases).findings)["release"].said


def test_a_device_without_a_root_opens_nothing(pi, home, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_RUNTIME_TRUSTED_ROOTS", str(tmp_path / "none"))
    found = by_check(look(pi.machine, home).findings)
    assert is_cured_by(found["root"], State.FAILED, "edge-runtime trust")
    assert found["release"].state is State.FAILED


def test_a_release_that_failed_here_is_told_of(pi, home):
    Home(home).refuse("ab" * 32, "0123", "the self-test named another card")
    found = by_check(look(pi.machine, home).findings)["refused release"]
    assert is_cured_by(found, State.WARNING, "1 failed", "another card", "pull --again")


def test_a_release_with_a_flipped_byte(pi, home):
    index = next((home / "releases").glob("*/fp32.usearch"))
    data = bytearray(index.read_bytes())
    data[-1] ^= 1
    index.write_bytes(data)
    assert is_cured_by(by_check(look(pi.machine, home).findings)["release"], State.FAILED, "fp32.usearch", "pull")


def test_a_home_that_was_never_filled(pi, device, tmp_path):
    assert by_check(look(pi.machine, tmp_path / "empty").findings)["release"].state is State.FAILED


def test_a_device_that_was_forgotten(pi, home):
    pulled_at(home, NOW - OLD - DAY)
    assert is_cured_by(
        by_check(look(pi.machine, home).findings)["release age"], State.WARNING, "91 days", "list-timers"
    )


def test_a_publishers_word_that_ended(pi, home):
    later = replace(pi.machine, now=lambda: NOW + 1000 * DAY)
    assert by_check(look(pi.machine, home).findings)["release expiry"].state is State.FINE
    assert is_cured_by(
        by_check(look(later, home).findings)["release expiry"], State.WARNING, "expired", "renew", "clock"
    )


# Clock, disk, memory, temperature, power


def test_a_clock_that_is_not_synchronised(pi):
    assert clock(pi.machine, None).state is State.FINE
    pi.commands["timedatectl"] = "no"
    assert is_cured_by(clock(pi.machine, None), State.WARNING, "set-ntp")
    del pi.commands["timedatectl"]
    assert clock(pi.machine, None).state is State.NOTE


def test_a_clock_before_the_last_pull(pi):
    assert is_cured_by(clock(pi.machine, NOW + 7200), State.FAILED, "2.0 hours before", "timedatectl")


def test_a_disk_without_room_for_two_releases(pi, tmp_path):
    pi.free = 50_000_000
    assert disk(pi.machine, pi.root, 20_000_000).state is State.FINE
    assert is_cured_by(disk(pi.machine, pi.root, 30_000_000), State.FAILED, "60 MB", "du")


def test_a_card_that_went_read_only(pi):
    pi.write("proc/mounts", "/dev/mmcblk0p2 / ext4 rw 0 0\n/dev/mmcblk0p2 / ext4 ro,errors=remount-ro 0 0")
    assert is_cured_by(disk(pi.machine, pi.root, 1), State.FAILED, "read-only", "dmesg")


def test_a_home_of_another_user(pi):
    pi.denied.add(".")
    assert is_cured_by(disk(pi.machine, pi.root, 1), State.WARNING, "ada", "sudo -u edge-runtime")


def test_little_memory(pi):
    assert memory(pi.machine).state is State.FINE
    pi.write("proc/meminfo", "MemTotal: 500000 kB\nMemAvailable: 90000 kB")
    assert is_cured_by(memory(pi.machine), State.WARNING, "92 of 512 MB", "stop other programs")


@pytest.mark.parametrize(("celsius", "state"), [(79, State.FINE), (81, State.WARNING), (86, State.FAILED)])
def test_a_warm_processor(pi, celsius, state):
    pi.write("sys/class/thermal/thermal_zone1/temp", f"{celsius}000")
    assert temperature(pi.machine).state is state


@pytest.mark.parametrize(
    ("bits", "state", "said"),
    [
        ("0x0", State.FINE, "neither"),
        ("0x50000", State.WARNING, "since the last boot: the supply voltage is too low, the processor is throttled"),
        ("0x50005", State.FAILED, "now: the supply voltage is too low"),
    ],
)
def test_a_weak_power_supply(pi, bits, state, said):
    pi.commands["vcgencmd"] = f"throttled={bits}"
    assert is_cured_by(throttling(pi.machine), state, said)


# The command


def test_the_exit_code_says_whether_somebody_should_act(pi, home, capsys):
    options = SimpleNamespace(releases=home, source=None, json=False)
    well = replace(pi.machine, may_use=lambda path: True)
    assert run(options, well) == 0
    assert capsys.readouterr().out.endswith("all is well\n")
    pi.commands["vcgencmd"] = "throttled=0x1"
    assert run(options, well) == 1
    out = capsys.readouterr().out
    assert "→ use the power supply of this Pi" in out
    assert out.endswith("need somebody\n")


def test_json_has_every_finding_with_its_facts(home, capsys):
    main(["doctor", "--json", "--releases", str(home)])
    said = json.loads(capsys.readouterr().out)
    found = {finding["check"]: finding for finding in said["findings"]}
    assert said["fine"] is not any(each["state"] in ("warning", "failed") for each in said["findings"])
    assert found["release"]["facts"]["size"] > 0
