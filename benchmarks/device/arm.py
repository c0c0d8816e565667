"""An aarch64 Python with this package's dependencies, to be run by QEMU's user-mode emulation. Needs no root.

Debian's arm64 packages are fetched by apt into a folder of their own and unpacked there; wheels come from pip.
"""

import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

QEMU = "qemu-aarch64-static"
PROCESSOR = "cortex-a76"
"""That of a Raspberry Pi 5."""
DEBS = (
    *(
        "libc6",
        "libstdc++6",
        "libgcc-s1",
        "libcrypt1",
        "zlib1g",
        "libexpat1",
        "libssl3",
        "libffi8",
        "libbz2-1.0",
        "liblzma5",
    ),
    *("libsqlite3-0", "libuuid1", "python3.11-minimal", "python3.11", "libpython3.11-minimal", "libpython3.11-stdlib"),
)
WHEELS = (
    *("numpy", "opencv-python-headless", "pillow", "onnxruntime", "usearch", "numkong", "cryptography"),
    *("tuf", "securesystemslib", "urllib3"),
)
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
APT = """\
APT::Architecture "arm64"; APT::Architectures {{ "arm64"; }};
Dir::State "{folder}/state"; Dir::Cache "{folder}/cache"; Dir::State::status "{folder}/state/status";
APT::Sandbox::User "";
"""


class NotHere(RuntimeError):
    """The emulation can't be set up on this machine; the message says what to install."""


def command(folder: Path, python_path: Sequence[Path]) -> list[str]:
    """How an aarch64 Python is started that sees these folders; it is set up in ``folder`` at the first call."""
    for tool in (QEMU, "apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise NotHere(f"{tool} is not here: sudo apt install qemu-user-static, on Debian 12")
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _fetch_debian(folder)
        _fetch_wheels(folder)
        (folder / ".ready").touch()
    path = ":".join(str(place) for place in (folder / "site", *python_path))
    root = folder / "root"
    return [QEMU, "-cpu", PROCESSOR, "-L", str(root), "-E", f"PYTHONPATH={path}", str(root / "usr/bin/python3.11")]


def _fetch_debian(folder: Path) -> None:
    for place in ("state/lists/partial", "cache/archives/partial", "debs", "root"):
        (folder / place).mkdir(parents=True)
    (folder / "state/status").touch()
    (folder / "apt.conf").write_text(APT.format(folder=folder))
    apt = ["apt-get", "-qq", "-c", str(folder / "apt.conf")]
    _run([*apt, "update"], folder)
    _run([*apt, "download", *DEBS], folder / "debs")
    for deb in sorted((folder / "debs").glob("*.deb")):
        _run(["dpkg-deb", "-x", str(deb), str(folder / "root")], folder)


def _fetch_wheels(folder: Path) -> None:
    pinned = [f"{name}=={version(name)}" for name in WHEELS]
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    pip = ["pip", "download", "-q", "--dest", str(folder / "wheels"), "--python-version", "3.11", "--only-binary=:all:"]
    _run([*pip, *platforms, *pinned], folder)
    for wheel in sorted((folder / "wheels").glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "site")


def _run(words: Sequence[str], folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NotHere(f"{' '.join(words[:3])} failed ({last}): the network, and Debian 12 as the host, are needed")
