"""The device, as far as it can be looked at. Each way of looking is a field, so that a test can look at another device."""

import getpass
import importlib
import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

SECONDS_PER_COMMAND = 10


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user of systemd's making has a number alone
        return str(os.getuid())


def _output_of(command: Sequence[str]) -> str | None:
    """What a command prints; None where it is not installed, fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_PER_COMMAND, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _can_import(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _why_not_loaded(module: str) -> str | None:
    try:
        importlib.import_module(module)
    except Exception as error:  # a wheel for another processor, another Python or another libc fails in many ways
        return str(error) or type(error).__name__
    return None


def _may_use(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK)


def _free_bytes(path: Path) -> int:
    return shutil.disk_usage(path).free


@dataclass(frozen=True)
class Machine:
    """Paths are those of the device, such as ``/sys/class/thermal``; ``root`` is where the device's file system begins."""

    root: Path = Path("/")
    user: str = field(default_factory=_user)
    now: Callable[[], float] = time.time
    """Seconds since 1970, as this device's clock has them."""
    output_of: Callable[[Sequence[str]], str | None] = _output_of
    version_of: Callable[[str], str | None] = _version_of
    can_import: Callable[[str], bool] = _can_import
    why_not_loaded: Callable[[str], str | None] = _why_not_loaded
    """Why a module can't be loaded, None where it can."""
    may_use: Callable[[Path], bool] = _may_use
    """Whether this user may read and write a file."""
    free_bytes: Callable[[Path], int] = _free_bytes

    def at(self, path: str | Path) -> Path:
        """Where a path of the device lies."""
        return self.root / str(path).lstrip("/")

    def exists(self, path: str) -> bool:
        """Whether there is such a file, folder or device."""
        return self.at(path).exists()

    def text(self, path: str) -> str | None:
        """A small text file without its line end; None where it can't be read."""
        try:
            return self.at(path).read_text(errors="replace").strip("\n\0 ")
        except OSError:
            return None

    def found(self, pattern: str) -> list[str]:
        """The paths that fit a pattern, sorted."""
        return sorted(f"/{path.relative_to(self.root)}" for path in self.root.glob(pattern.lstrip("/")))
