"""``edge-runtime serve``, as a shell or a supervisor would run it."""

import errno
import io
import json
import signal
import socket
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest
import requests
from forked import Program
from PIL import Image

from edge_runtime.cli import main
from edge_runtime.releases.home import Home
from edge_runtime.server.command import _listening
from edge_runtime.server.service import Service
from edge_runtime.server.settings import Settings


def test_a_process_serves_a_folder_over_and_over_and_ends_at_sigterm(served, until):
    process, address = served("--repeat", interpreter=True)
    until(lambda: requests.get(f"{address}readyz", timeout=30).status_code == 200)
    until(
        lambda: any(
            e["event"] == "confirmed" for e in requests.get(f"{address}api/v1/events", timeout=30).json()["events"]
        )
    )
    metrics = requests.get(f"{address}metrics", timeout=30).text
    assert "process_resident_memory_bytes" in metrics
    process.send_signal(signal.SIGTERM)
    left = process.stderr.read()
    assert process.wait(30) == 0
    assert "Traceback" not in left


def test_what_is_wrong_with_a_folder_is_not_said_again_each_time_that_it_begins(served, frames, until):
    (Path(frames) / "9.png").write_bytes(b"no picture")
    process, address = served("--repeat")
    damaged = "edge_source_damaged_frames_total 2.0"
    until(lambda: damaged in requests.get(f"{address}metrics", timeout=30).text, 60)
    process.send_signal(signal.SIGTERM)
    assert process.stderr.read().count("left out") == 1


def test_each_line_of_a_log_for_machines_is_json_whatever_a_library_warns_of(served):
    process, address = served()
    photo = io.BytesIO()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01"  # one tag is announced, and none comes
    Image.new("RGB", (64, 64)).save(photo, "JPEG", exif=exif)
    assert requests.post(f"{address}api/v1/recognize", photo.getvalue(), timeout=30).status_code == 200
    process.send_signal(signal.SIGTERM)
    for line in process.stderr:
        json.loads(line)


BUSY = """
import sys
import cv2, numpy as np
from edge_runtime.cli import main
from edge_runtime.server.loop import Loop
from edge_runtime.stream import Follower

def look(*_):
    picture = np.zeros((2000, 2000, 3), np.uint8)
    while True:
        cv2.GaussianBlur(picture, (0, 0), 5)

Follower.look = look
Loop.close.__defaults__ = (0.1,)
sys.exit(main(sys.argv[1:]))
"""
"""A service whose first frame is never read to its end, as a full picture is on a busy machine within the patience of a stop."""


def test_a_stop_amid_a_long_frame_is_peaceful_and_nothing_is_held_against_the_release(
    published, trusted, frames, tmp_path
):
    trusted(published)
    home = tmp_path / "home"
    assert main(["pull", str(published.releases), "--home", str(home)]) == 0
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY, "serve", frames, "--releases", str(home), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        next(line for line in process.stderr if "open http" in line)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        last = process.stderr.readlines()[-1]
    assert process.returncode == 0
    assert "left unfinished" in last
    assert json.loads((home / "trial.json").read_text())["starts"] == 0


OPENING = """
import sys, threading
import cv2, numpy as np
from edge_runtime.cli import main
from edge_runtime.server.opening import Opener
from edge_runtime.server.successor import Successor

tried = Opener._tried

def tries(self, recognizer):
    picture = np.zeros((2000, 2000, 3), np.uint8)
    while threading.current_thread().name == "successor":
        cv2.GaussianBlur(picture, (0, 0), 5)
    tried(self, recognizer)

Opener._tried = tries
Successor.close.__defaults__ = (0.1,)
sys.exit(main(sys.argv[1:]))
"""
"""A service that never comes to the end of opening another release, as on a slow card within the patience of a stop."""


def test_a_stop_while_another_release_is_opened_is_peaceful_and_nothing_is_held_against_that(
    published, trusted, frames, tmp_path, until
):
    trusted(published)
    home = tmp_path / "home"
    pull = ["pull", str(published.releases), "--home", str(home)]
    assert main(pull) == 0
    serve = ["serve", frames, "--releases", str(home), "--port", "0", "--watch-releases", "0.1", "--prove", "0"]
    process = subprocess.Popen([sys.executable, "-c", OPENING, *serve], stderr=subprocess.PIPE, text=True)
    with process:
        next(line for line in process.stderr if "open http" in line)
        published.change_a_row()
        assert main(pull) == 0
        on_trial = Home(home).served.manifest_sha256
        until(lambda: json.loads((home / "trial.json").read_text()) == {"manifest_sha256": on_trial, "starts": 1})
        process.send_signal(signal.SIGTERM)
        last = process.stderr.readlines()[-1]
    assert process.returncode == 0
    assert "left unfinished" in last
    assert json.loads((home / "trial.json").read_text())["starts"] == 0


def test_an_error_that_nobody_foresaw_ends_the_process_and_stands_in_the_log(device, frames):
    """The process went on without the thread: a supervisor saw nothing to start anew."""
    broken = """
import sys
from edge_runtime.cli import main
from edge_runtime.sources.files import Folder

def read(self):
    raise RuntimeError("nobody foresaw this")
    yield

Folder.__iter__ = read
sys.exit(main(sys.argv[1:]))
"""
    options = ["serve", frames, "--releases", str(device.releases), "--port", "0", "--log", "json"]
    process = Program(*options, program=broken)
    with process.stderr as lines:
        (said,) = [line for line in map(json.loads, lines) if "its feed ended" in line["message"]]
    assert process.wait(300) == 1
    assert "RuntimeError: nobody foresaw this" in json.dumps(said)


def test_a_folder_that_ended_is_said_to_have_ended_and_photos_are_still_answered(served, until, photo_file):
    from pathlib import Path

    _, address = served()
    until(lambda: "ended" in str(requests.get(f"{address}readyz", timeout=30).json()["why_not"]))
    answer = requests.post(f"{address}api/v1/recognize", data=Path(photo_file).read_bytes(), timeout=30)
    assert answer.json()["cards"][0]["card_id"] == "demo-1"


def test_nothing_of_a_release_is_held_once_another_answers(device, frames, another, until, monkeypatch):
    """Also not of the first, which the command opened: neither its model and index, nor its cards and pictures."""

    def parts(served):
        recognizer = served.recognizer
        look = recognizer.judge.second_look
        held = [recognizer, recognizer.embedder, recognizer.gallery, recognizer.judge, look, look.references]
        return [weakref.ref(part) for part in (served, *held)]

    def change_thrice(service, _):
        for number in range(3):
            before, release_id = parts(service.loop.served), another("Amber Fawn", f"{number:016x}")
            until(lambda wanted=release_id: service.loop.served.release_id == wanted)
            until(lambda refs=before: not any(ref() is not None for ref in refs))
        changed.append(service.loop.served.release_id)

    changed = []
    monkeypatch.setattr(Service, "serve", change_thrice)
    options = ["--releases", str(device.releases), "--repeat", "--port", "0", "--watch-releases", "0.05"]
    assert main(["serve", frames, *options]) == 0
    assert changed == ["0000000000000002"]


def refused(capsys, *arguments):
    code = main(["serve", *arguments])
    (line,) = capsys.readouterr().err.splitlines()
    return code, line


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--bind", "0.0.0.0"], "name a file that holds a token with --token-file"),
        (["--token-file", "gone"], "openssl rand -hex 32"),
        (["--webhook", "http://example.org/"], "use https://"),
        (["--mqtt", "mqtt://broker"], "name HOST or HOST:PORT"),
        (["--host", "https://cards.example.org"], "is no name of a host: say it without https:// and path"),
        (["--host", "cards.example.org/page"], "is no name of a host"),
        (["--tls-cert", "cert.pem"], "name both --tls-cert and --tls-key"),
        (["--tls-cert", "no.pem", "--tls-key", "no.pem"], "no.pem is not there"),
        (["--tls-cert", __file__, "--tls-key", __file__], "are no certificate with its key"),
    ],
)
def test_what_is_not_safe_or_not_there_is_one_sentence(device, frames, capsys, options, why):
    code, line = refused(capsys, frames, "--releases", str(device.releases), "--port", "0", *options)
    assert (code, why in line) == (1, True), line


@pytest.mark.parametrize("what", ["certificate", "film"])
def test_what_this_user_may_not_look_at_is_one_sentence(device, frames, capsys, monkeypatch, what):
    """As for a service: /etc/letsencrypt/live is root's alone, and of home folders it sees nothing."""

    def hidden(path):
        if "hidden" in str(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return known(path)

    known = Path.is_file
    monkeypatch.setattr(Path, "is_file", hidden)
    options = ["--tls-cert", "hidden/cert", "--tls-key", "hidden/key"] if what == "certificate" else []
    source = frames if what == "certificate" else "hidden/film.mp4"
    code, line = refused(capsys, source, "--releases", str(device.releases), "--port", "0", *options)
    assert (code, "hidden" in line, "may not be read" in line or "can't be opened (Permission denied)" in line) == (
        1,
        True,
        True,
    )


def test_a_port_that_is_taken_is_one_sentence(device, frames, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, line = refused(capsys, frames, "--releases", str(device.releases), "--port", port)
    assert (code, f"127.0.0.1:{port} can't be listened on (Address already in use): name another" in line) == (1, True)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine speaks no IPv6")
def test_who_binds_all_addresses_of_ipv6_is_reached_by_ipv4_too():
    with _listening(Settings(bind="::", port=0)) as listening:
        port = listening.getsockname()[1]
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, port), timeout=30).close()


def test_a_source_that_is_not_there_is_exit_code_1_and_a_release_that_is_not_2(device, frames, tmp_path, capsys):
    code, line = refused(capsys, "gone.mp4", "--releases", str(device.releases), "--port", "0")
    assert (code, "gone.mp4 is not there" in line) == (1, True)
    code, line = refused(capsys, frames, "--releases", str(tmp_path / "empty"), "--port", "0")
    assert (code, "empty is not there: fetch one" in line) == (2, True)


@pytest.mark.parametrize("missing", ["uvicorn", "starlette", "prometheus_client"])
def test_without_the_packages_one_sentence_says_what_to_install(device, frames, capsys, monkeypatch, missing):
    for name in list(sys.modules):  # what was loaded already would be found, whatever its package says
        if name.startswith(("edge_runtime.server.", f"{missing}.")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    code, line = refused(capsys, frames, "--releases", str(device.releases))
    assert (code, "pip install 'starlette<2" in line, missing in line) == (1, True, True)


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom edge_runtime.cli import main\n"
        "try: main(['serve', '--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'onnxruntime', 'uvicorn', 'starlette', 'prometheus_client', 'paho', 'websockets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "--token-file" in done.stdout
