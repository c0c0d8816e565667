"""Clock, disk, memory, temperature and power, on a device made of files."""

import pytest
from device_of_files import NOW, is_cured_by

from edge_runtime.doctor.finding import State
from edge_runtime.doctor.hardware import clock, disk, memory, temperature, throttling


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
