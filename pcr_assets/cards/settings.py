"""The settings of the floors of cards. What reads pictures is not imported here: a plan checks all settings, and reads none."""

from typing import Self

from pydantic import Field, model_validator

from pcr_assets.imaging.strengths import StrengthName
from pcr_assets.settings import Seed, Strict


class SnapshotSettings(Strict):
    """When the snapshot moves and how cards are split."""

    generation: int = Field(default=1, ge=1, description="Raise it to pin anew whatever is there.")
    growth: float = Field(default=0.25, gt=0, description="Share of new cards at which the snapshot moves by itself.")
    move_for_new_sets: bool = Field(
        default=True,
        description="Whether it moves, and all is trained again, when the report finds new sets recognised worse than test cards.",
    )
    validation: float = Field(
        default=0.1, ge=0, lt=1, description="Share of art groups that choose settings and thresholds."
    )
    test: float = Field(default=0.1, ge=0, lt=1, description="Share of art groups that are never trained on.")

    @model_validator(mode="after")
    def _leaves_some_to_train_on(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together take all cards: leave some to train on")
        return self


class CalibrationSettings(Strict):
    """Which cards calibrate."""

    count: int = Field(1024, ge=1, description="Crops; 1,024 is what the Hailo compiler asks for.")
    check: int = Field(64, ge=1, description="Clean cards on which exported models are compared with the original.")
    seed: Seed = 0
    strength: StrengthName = Field("medium", description="How bad the simulated camera is.")
