"""A program in several processes that share its work, on this machine or on several: torchrun starts them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pcr_assets.compute.launcher import Ran
from pcr_assets.compute.local import run_here, write_job
from pcr_assets.compute.settings import Torchrun
from pcr_assets.resources import hardware

STARTER = "pcr_assets.learning.torchrun"


class TorchrunCompute:
    """Runs programs by torchrun. ``threads`` are those of each process."""

    def __init__(self, settings: Torchrun, threads: int):
        self.settings, self.threads = settings, threads

    def run(self, module: str, job: Mapping[str, Any], workdir: Path) -> Ran:
        """See :meth:`pcr_assets.compute.launcher.Launcher.run`."""
        given = ["--processes", str(self.settings.processes)]
        program = [module, str(write_job(job, self.threads, workdir))]
        if self.settings.nodes > 1:
            given += ["--nodes", str(self.settings.nodes), "--rendezvous", self.settings.rendezvous]
            command = f"python -m {STARTER} {' '.join([*given, *program])}"
            print(f"waiting for {self.settings.nodes - 1} other machines: run there, in the same folders: {command}")
        run_here(STARTER, [*given, *program], threads=self.threads, called=module)
        processes = self.settings.processes * self.settings.nodes
        return Ran({**hardware.here(self.threads), "processes": processes})
