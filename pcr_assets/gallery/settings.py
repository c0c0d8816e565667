"""The settings of the report. What asks models is not imported here: a plan checks all settings, and asks none."""

from pydantic import Field

from pcr_assets.imaging.strengths import StrengthNames
from pcr_assets.settings import Seed, Strict


class ReportSettings(Strict):
    """Which queries judge a release, and what it must reach."""

    queries: int = Field(400, ge=10, description="Test cards that are asked for at each strength.")
    calibration_queries: int = Field(
        400, ge=10, description="Validation cards that are asked for at each strength: the thresholds follow from them."
    )
    strengths: StrengthNames = Field(("medium", "hard"), description="Of the simulated camera.")
    seed: Seed = 11
    effect_queries: int = Field(
        40, ge=0, description="Test cards that are asked for with each effect of the camera alone."
    )
    strangers: int = Field(400, ge=0, description="Pictures that must be refused, half of them for calibration.")
    photos: int = Field(120, ge=0, description="At most so many photos are looked at.")
    false_accept_rate: float = Field(0.005, gt=0, lt=1, description="Share of unknown cards that may be named.")
    precision: float = Field(0.995, gt=0, le=1, description="Share of confirmed answers that are right.")
    growth: float = Field(
        0.02, ge=0, le=1, description="Share of scans that may be new, gone or replaced before all is judged again."
    )
    least_recall: float = Field(
        0.9,
        ge=0,
        le=1,
        description="Of test cards at the first strength so many must be found, and answered; surely less is refused.",
    )
