"""The section ``compute`` of the profile: where training runs. It makes nothing stale: elsewhere, the same is trained."""

import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pcr_assets.resources import engines
from pcr_assets.settings import Settings, SettingsError

EngineName = Literal["local", "torchrun", "ray", "sagemaker"]
VARIABLE = "PCR_COMPUTE"


def _like(pattern: str, words: str) -> AfterValidator:
    """Refuse text that does not match, and say in words what does."""

    def check(value: str) -> str:
        if value and not re.fullmatch(pattern, value):
            raise ValueError(f"must be {words}, is {value}")
        return value

    return AfterValidator(check)


RoleArn = Annotated[
    str, _like(r"arn:aws[a-z-]*:iam::\d{12}:role/.+", "the ARN of a role, arn:aws:iam::ACCOUNT:role/NAME")
]
Place = Annotated[str, _like(r"s3://[^/]+(/.*)?", "s3://bucket/prefix")]
Instance = Annotated[str, _like(r"ml\.\w[\w-]*\.\w+", "an instance for training, like ml.p4d.24xlarge")]


class Torchrun(BaseModel):
    """Several processes here, or on several machines that share the store and the scratch folder."""

    model_config = ConfigDict(extra="forbid")

    processes: int = Field(default=2, ge=1)
    """On each machine: one for each GPU, or for each part of the cores."""
    nodes: int = Field(default=1, ge=1)
    """Machines. On all but this one, a person or a scheduler runs the command that the run prints."""
    rendezvous: str = ""
    """``host:port`` of this machine, by which the others find it: from two nodes on."""

    @model_validator(mode="after")
    def _can_meet(self) -> "Torchrun":
        if self.nodes > 1 and ":" not in self.rendezvous:
            raise ValueError("several nodes meet at one of them: set rendezvous to host:port")
        return self


class Ray(BaseModel):
    """One training on several nodes of a Ray cluster. As they are, one process on one node: so it is by ``PCR_ENGINE=ray``."""

    model_config = ConfigDict(extra="forbid")

    nodes: int = Field(default=1, ge=1)
    """Nodes that train together, each another machine."""
    processes: int = Field(default=1, ge=1)
    """On each node: one for each GPU, or for each part of the cores."""
    most_wait_minutes: float = Field(default=0, ge=0)
    """For nodes that the cluster has yet to start; 0: a cluster that has too few is told at once."""


class SageMaker(BaseModel):
    """A training job. What is empty of ``role`` and ``image`` must be set before one is started."""

    model_config = ConfigDict(extra="forbid")

    role: RoleArn = ""
    """ARN of the role that the job takes on: it reads and writes the bucket, pulls the image and writes logs."""
    image: str = Field(default="", max_length=255)
    """The image that ``docker/training.Dockerfile`` makes, in ECR; best by its digest."""
    instance: Instance = "ml.p4d.24xlarge"
    instances: int = Field(default=1, ge=1)
    processes: int = Field(default=0, ge=0)
    """On each instance; 0 is one for each GPU, and one where there is none."""
    place: Place = ""
    """``s3://bucket/prefix`` for checkpoints and outputs; empty: ``models/embedding`` in the bucket of the store."""
    volume_gb: int = Field(default=100, ge=1)
    spot: bool = True
    most_hours: float = Field(default=6, gt=0, le=672)
    """A job that trains longer is stopped; the next refresh goes on from its checkpoint."""
    most_wait_hours: float = Field(default=12, gt=0, le=672)
    """With ``spot``: waiting for capacity and training together."""
    input_mode: Literal["File", "FastFile"] = "File"
    subnets: list[str] = []
    security_groups: list[str] = []
    kms_key: str = ""
    """Encrypts the outputs, and the volume of an instance that has no disks of its own; empty: the keys of AWS."""
    tags: dict[str, str] = {}
    environment: dict[str, str] = {}
    poll_seconds: float = Field(default=15, gt=0)

    @model_validator(mode="after")
    def _fits_together(self) -> "SageMaker":
        if self.spot and self.most_wait_hours < self.most_hours:
            raise ValueError("most_wait_hours counts the training too: it must be most_hours or more")
        if bool(self.subnets) != bool(self.security_groups):
            raise ValueError("a VPC takes both: set subnets and security_groups, or neither")
        return self


class ComputeSettings(BaseModel):
    """The whole section."""

    model_config = ConfigDict(extra="forbid")

    engine: EngineName = "local"
    profile_steps: int = Field(default=0, ge=0)
    """So many steps of each training are traced, into ``profiling/`` of the store; 0 traces none."""
    torchrun: Torchrun = Torchrun()
    ray: Ray = Ray()
    sagemaker: SageMaker = SageMaker()

    @model_validator(mode="after")
    def _is_complete(self) -> "ComputeSettings":
        lacking = [name for name in ("role", "image") if not getattr(self.sagemaker, name)]
        if self.engine == "sagemaker" and lacking:
            raise ValueError(f"a training job needs sagemaker.{' and sagemaker.'.join(lacking)}: docs/training.md")
        return self


def compute_settings(settings: Settings) -> ComputeSettings:
    """The section, with the engine that ``PCR_COMPUTE`` names if it names one. Raises SettingsError.

    Where the profile says ``local`` and nobody else anything, trainings go where the pieces of other steps go (``PCR_ENGINE``).
    """
    section: Mapping[str, Any] = settings.section("compute")
    if section.get("engine", "local") == "local":
        section = {**section, "engine": engines.engine_name()}
    if engine := os.environ.get(VARIABLE):
        if engine not in get_args(EngineName):
            raise SettingsError(
                f"{VARIABLE} is {engine}: write {', '.join(get_args(EngineName)[:-1])} or {get_args(EngineName)[-1]}"
            )
        section = {**section, "engine": engine}
    Settings({"compute": dict(section)}, settings.source).check("compute", ComputeSettings)
    return ComputeSettings(**section)
