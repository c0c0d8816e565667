"""Each thing that may be wrong with a camera, on a device made of files."""

import pytest
from device_of_files import SENSOR, WEBCAM, is_cured_by

from edge_runtime.doctor.cameras import cameras
from edge_runtime.doctor.finding import State


def test_a_camera_on_the_ribbon_cable_needs_picamera2(pi):
    pi.write(SENSOR, "imx708_wide 10-001a")
    assert cameras(pi.machine)[0].state is State.FINE
    pi.modules.clear()
    assert is_cured_by(cameras(pi.machine)[0], State.FAILED, "imx708", "python3-picamera2")


@pytest.mark.skipif("sys.version_info >= (3, 13)", reason="apt's picamera2 is built for NumPy 1 below Python 3.13 only")
def test_apts_picamera2_does_not_run_beside_a_numpy_that_pip_brought(pi):
    pi.write(SENSOR, "imx708_wide 10-001a")
    pi.versions["numpy"] = "2.4.6"
    assert is_cured_by(cameras(pi.machine)[0], State.FAILED, "picamera2 can't be imported", "numpy<2")


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


def test_a_camera_that_a_file_names_is_looked_for_and_the_file_must_be_readable(pi):
    assert is_cured_by(
        cameras(pi.machine, "@/etc/camera")[-1], State.FAILED, "/etc/camera names no camera", "on one line"
    )
    pi.write("etc/camera", "/dev/video7\n")
    assert cameras(pi.machine, "@/etc/camera")[-1].said == "/dev/video7 is not there"


@pytest.mark.parametrize("wanted", ["/films/film.mp4", "/films"])
def test_a_film_needs_no_camera(pi, wanted):
    pi.write("films/film.mp4")
    assert cameras(pi.machine, wanted)[-1].state is State.NOTE


@pytest.mark.parametrize("wanted", ["rtsp://admin:secret@camera/stream", "@/etc/camera"])
def test_of_a_stream_it_is_said_that_nobody_asked_it(pi, wanted):
    """All was well, whatever answered there."""
    pi.write("etc/camera", "http://camera/stream")
    (found,) = cameras(pi.machine, wanted)
    assert (found.state, "and not asked here: `edge-runtime watch` says" in found.said) == (State.NOTE, True)


@pytest.mark.parametrize("wanted", ["picamra", "ftp://camera/stream", "/films/film.mp4", "x" * 300])
def test_what_is_watched_is_there_or_said_to_be_missing(pi, wanted):
    assert is_cured_by(cameras(pi.machine, wanted)[-1], State.FAILED, f"{wanted} is no camera", "name picamera, 0")
