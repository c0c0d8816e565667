"""The names of the simulated camera's strengths. OpenCV is not imported here: a plan checks all settings, and draws nothing."""

from typing import Annotated, Literal

from pydantic import Field

StrengthName = Literal["none", "easy", "medium", "hard", "train"]
StrengthNames = Annotated[tuple[StrengthName, ...], Field(min_length=1)]
