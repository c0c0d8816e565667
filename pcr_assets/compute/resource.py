"""The resource ``compute``: runs a program where the profile says."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from pcr_assets.compute.engine import Engine, Ran
from pcr_assets.compute.local import LocalCompute
from pcr_assets.compute.settings import ComputeSettings, compute_settings
from pcr_assets.resources.project import Project

TRAINING = "pcr_assets.learning.train"
ALONE = {"pcr_assets.learning.outline_filter", "pcr_assets.learning.printing_verifier"}
"""Trainings of one process."""
ELSEWHERE = {"torchrun": {TRAINING}, "sagemaker": {TRAINING}, "ray": {TRAINING, *ALONE}}
"""Programs of each engine: those that share their work among processes, or are worth a machine of their own. All others run
here."""


class Compute(dg.ConfigurableResource):
    """``engine`` and its settings are the section ``compute`` of the profile; ``PCR_COMPUTE`` names another engine."""

    project: dg.ResourceDependency[Project]
    threads: int = 2
    """Of each program on this machine: the result of training depends on it."""

    @property
    def settings(self) -> ComputeSettings:
        """The section ``compute``, read anew. Raises SettingsError."""
        return compute_settings(self.project.settings)

    def run(self, module: str, job: Mapping[str, Any], workdir: Path) -> Ran:
        """See :meth:`pcr_assets.compute.engine.Engine.run`."""
        engine = self.settings.engine
        name = engine if module in ELSEWHERE.get(engine, ()) else "local"
        return ENGINES[name](self).run(module, job, workdir)


def _local(compute: Compute) -> Engine:
    return LocalCompute(threads=compute.threads)


def _torchrun(compute: Compute) -> Engine:
    from pcr_assets.compute.torchrun import TorchrunCompute

    return TorchrunCompute(compute.settings.torchrun, compute.threads)


def _ray(compute: Compute) -> Engine:
    from pcr_assets.compute.on_ray import RayCompute

    return RayCompute(compute.threads, compute.settings.ray, alone=ALONE)


def _sagemaker(compute: Compute) -> Engine:
    from pcr_assets.compute.sagemaker import SageMakerCompute

    return SageMakerCompute(compute.settings.sagemaker, compute.project)


ENGINES: Mapping[str, Callable[[Compute], Engine]] = {
    "local": _local,
    "torchrun": _torchrun,
    "ray": _ray,
    "sagemaker": _sagemaker,
}
"""Another engine: its name in ``settings.EngineName``, its settings beside the others, and how it is made here."""
