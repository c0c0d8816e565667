"""``edge-runtime`` in a process of its own, which can be killed: a fork of one that has loaded its libraries."""

import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

COMMAND = "import sys\nfrom edge_runtime.cli import main\nsys.exit(main(sys.argv[1:]))"
LOADED = multiprocessing.get_context("forkserver")
LOADED.set_forkserver_preload(
    [
        "pytest",
        "edge_runtime.cli",
        "edge_runtime.recognizer",
        "edge_runtime.releases.opening",
        "edge_runtime.releases.pull",
        "edge_runtime.server.service",
        "edge_runtime.server.successor",
        "edge_runtime.sources.files",
        "uvicorn.lifespan.on",
        "uvicorn.protocols.websockets.websockets_sansio_impl",
    ]
)


def load() -> None:
    """Have the libraries loaded now, for whoever measures a start."""
    process = LOADED.Process(target=os.getpid)
    process.start()
    process.join()


def _become(program: str, arguments: tuple[str, ...], environment: dict[str, str], said: Connection | Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with said.open("ab") if isinstance(said, Path) else said as place:
        os.dup2(place.fileno(), 2)
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.argv = ["edge-runtime", *arguments]
    exec(program, {"__name__": "__main__"})


class Program:
    """Used as what ``subprocess.Popen`` gives: loading libraries took most of a start's time. What it says goes to the file
    ``log``, else it comes by ``stderr``.

    It ends as a fork does: a test of how an interpreter ends begins one of its own.
    """

    def __init__(self, *arguments: str, program: str = COMMAND, log: Path | None = None):
        hears, said = LOADED.Pipe(duplex=False)
        given = (program, arguments, dict(os.environ), log or said)
        self._process = LOADED.Process(target=_become, args=given)
        self._process.start()
        said.close()
        self.stderr = os.fdopen(os.dup(hears.fileno()))
        hears.close()

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code, or the negative number of the signal that ended it; None where it goes on."""
        self._process.join(timeout)
        return self._process.exitcode
