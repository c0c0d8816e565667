"""``python -m pcr_assets.resources.bound PARENT MODULE …``: run a module, and end when the process that began it is gone.

A killed refresh can't end its training, and two trainings in one scratch folder would write the same checkpoint. On Linux the
kernel sends the signal (prctl(2), PR_SET_PDEATHSIG); elsewhere the program runs on until its next line of output.
"""

import ctypes
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

PR_SET_PDEATHSIG = 1
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def begun(
    module: str,
    arguments: Sequence[str],
    threads: int,
    environment: Mapping[str, str] | None = None,
    inherited: Sequence[int] = (),
) -> "subprocess.Popen[str]":
    """Begin ``python -m module …`` with so many threads, bound to this process; what it says comes by its ``stdout``.

    ``inherited`` are open files of this process that it needs, by their descriptors.
    """
    return subprocess.Popen(
        [sys.executable, "-u", "-m", __name__, str(os.getpid()), module, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="backslashreplace",  # what a library of C says of a file's name need be no text, and is no reason to stop
        pass_fds=inherited,
        env={**os.environ, **dict.fromkeys(THREADS, str(threads)), **(environment or {})},
    )


def end_with(parent: int) -> None:
    """Let the kernel end this process when its parent dies, and end it now if that has happened. The number is the parent's."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        return
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(f"the process {parent} that began this one is gone")


if __name__ == "__main__":
    given, module, *arguments = sys.argv[1:]
    end_with(int(given))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
