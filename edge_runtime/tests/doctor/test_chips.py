"""Each thing that may be wrong with a Hailo chip, on a device made of files."""

import pytest
from device_of_files import by_check, is_cured_by

from edge_runtime.doctor.chips import chips
from edge_runtime.doctor.finding import State
from edge_runtime.releases.release import open_release


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
