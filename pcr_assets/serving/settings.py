"""The section ``serving`` of the profile: which models are packed, registered and served. All of it is off by default."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pcr_assets.settings import Settings

Model = Literal["dinov3-teacher", "efficientnet-student-stage2", "efficientnet-student-int8"]
"""Models that an archive can be made of, as the records call them."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EndpointSettings(_Part):
    """One endpoint, and how its traffic moves to another model."""

    deploy: bool = False
    """Whether a refresh brings the newest approved version into service."""
    name: str = Field(default="pokemon-card-recognition", pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")
    model: Model = "efficientnet-student-stage2"
    instance: str = "ml.c5.xlarge"
    instances: int = Field(default=1, ge=1)
    most_ms: float = Field(default=500, gt=0)
    """The alarm that rolls back: the 95th percentile of the model's latency."""
    most_errors: int = Field(default=5, ge=0)
    """The other one: answers with 5xx in a minute."""
    bake_seconds: int = Field(default=300, ge=0, le=3600)
    """How long the alarms watch while traffic moves, and how long the old machines stay after that."""
    canary_percent: int = Field(default=10, ge=1, le=50)
    """The share of the machines that gets traffic first. With one machine, traffic moves all at once."""
    patience_minutes: int = Field(default=45, gt=0, le=480)
    """How long a deployment may take, both times of ``bake_seconds`` included: SageMaker gives it eight hours at most."""
    tags: dict[str, str] = {}

    @model_validator(mode="after")
    def _has_time_to_bake(self) -> "EndpointSettings":
        if 2 * self.bake_seconds >= 60 * self.patience_minutes:
            raise ValueError(
                "bake_seconds are waited for twice, before and after traffic has moved: raise patience_minutes"
            )
        return self


class TransformSettings(_Part):
    """Machines of a batch transform."""

    instance: str = "ml.c5.xlarge"
    instances: int = Field(default=1, ge=1)
    at_once: int = Field(default=4, ge=1, le=16)
    """Pictures that one machine works at: SageMaker takes 100 MB of requests at once, and each may have six."""
    patience_minutes: int = Field(default=240, gt=0)


class ServingSettings(_Part):
    """What is packed and registered, by which container it is served, and as whom."""

    pack: tuple[Model, ...] = ()
    """Models of which a ``model.tar.gz`` is made at each refresh."""
    registered: bool = False
    """Whether what is packed becomes a model package of SageMaker."""
    group: str = "pokemon-card-recognition-models"
    image: str = ""
    """The container: ``ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG``."""
    role: str = ""
    """ARN of the role that SageMaker takes on to read the archive and the image."""
    isolated: bool = False
    """Whether the container has no network. SageMaker's own container needs one: it installs ``requirements.txt``."""
    endpoint: EndpointSettings = EndpointSettings()
    transform: TransformSettings = TransformSettings()


def serving_settings(settings: Settings) -> ServingSettings:
    """The section ``serving`` of a profile. Raises SettingsError with each mistake in it."""
    settings.check("serving", ServingSettings)
    return ServingSettings(**settings.section("serving"))
