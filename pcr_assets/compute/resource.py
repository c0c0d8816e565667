"""The resource ``compute``: runs a program where the profile says."""

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from pcr_assets.compute.launcher import Launcher, Ran
from pcr_assets.compute.local import LocalCompute
from pcr_assets.compute.settings import ComputeSettings, compute_settings
from pcr_assets.resources.project import Project
from pcr_assets.settings import Threads

TRAINING = "pcr_assets.learning.train"
ALONE = {"pcr_assets.learning.outline_filter", "pcr_assets.learning.printing_verifier"}
"""Trainings of one process."""
ELSEWHERE = {"torchrun": {TRAINING}, "sagemaker": {TRAINING}, "ray": {TRAINING, *ALONE}}
"""Programs of each engine: those that share their work among processes, or are worth a machine of their own. All others run
here."""


class Compute(dg.ConfigurableResource):
    """``engine`` and its settings are the section ``compute`` of the profile; ``PCR_COMPUTE`` names another engine."""

    project: dg.ResourceDependency[Project]
    threads: Threads = 2
    """Of each program on this machine: the result of training depends on it."""

    @property
    def settings(self) -> ComputeSettings:
        """The section ``compute``, read anew. Raises SettingsError."""
        return compute_settings(self.project.settings)

    def run(self, module: str, job: Mapping[str, Any], workdir: Path) -> Ran:
        """See :meth:`pcr_assets.compute.launcher.Launcher.run`. The same work is done by one at a time."""
        engine = self.settings.engine
        name = engine if module in ELSEWHERE.get(engine, ()) else "local"
        with _alone_in(workdir, module):
            return LAUNCHERS[name](self).run(module, job, workdir)


@contextmanager
def _alone_in(workdir: Path, module: str) -> Iterator[None]:
    """Nobody else on this machine is inside this block for the folder: two trainings would write one checkpoint together.

    A refresh keeps others out, but *Materialize* in the UI and ``dagster asset materialize`` ask for no lock. Who waits finds the
    work done.
    """
    with (workdir / ".alone").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{module}: another run is at this very work: waiting for its end", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _local(compute: Compute) -> Launcher:
    return LocalCompute(threads=compute.threads)


def _torchrun(compute: Compute) -> Launcher:
    from pcr_assets.compute.torchrun import TorchrunCompute

    return TorchrunCompute(compute.settings.torchrun, compute.threads)


def _ray(compute: Compute) -> Launcher:
    from pcr_assets.compute.on_ray import RayCompute

    return RayCompute(compute.threads, compute.settings.ray, alone=ALONE)


def _sagemaker(compute: Compute) -> Launcher:
    from pcr_assets.compute.sagemaker import SageMakerCompute

    return SageMakerCompute(compute.settings.sagemaker, compute.project)


LAUNCHERS: Mapping[str, Callable[[Compute], Launcher]] = {
    "local": _local,
    "torchrun": _torchrun,
    "ray": _ray,
    "sagemaker": _sagemaker,
}
"""How each engine of the profile is made. Another one: its name in ``settings.EngineName``, its settings, and a line here."""
