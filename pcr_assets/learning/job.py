"""The job file of a training run: everything that its result depends on, and where to put it."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pcr_assets import digests
from pcr_assets.learning.backbones import EmbeddingNet, restore
from pcr_assets.learning.spec import ModelSpec
from pcr_assets.settings import Threads


class TrainedModel(BaseModel):
    """A trained model as two files: its weights (safetensors) and its spec (model.json)."""

    model_config = ConfigDict(extra="forbid")

    weights: Path
    model: Path

    def load(self) -> EmbeddingNet:
        """The network. Raises WeightsError."""
        return restore(ModelSpec.from_json(json.loads(self.model.read_text())), self.weights)


class Job(BaseModel):
    """One run of one stage.

    ``spec`` is the network of a stage that begins one; a stage that goes on with one names it in ``init`` instead.
    ``snapshot`` and ``shards`` are Parquet files (see data.py). ``threads`` is part of the result: sums are added up in
    another order on another number of threads.
    """

    model_config = ConfigDict(extra="forbid")

    stage: Literal["teacher", "student_stage1", "student_undistilled", "student_stage2"]
    settings: dict[str, Any] = {}
    spec: dict[str, Any] | None = None
    snapshot: Path
    shards: list[Path]
    init: TrainedModel | None = None
    teacher: TrainedModel | None = None
    out: Path
    threads: Threads = 2
    assess: bool = Field(default=False, description="Judge the model on test cards afterwards, as assess.py does.")
    keep_checkpoints: int = Field(
        default=1, ge=1, description="More where a checkpoint is copied while the run goes on."
    )
    profile_steps: int = Field(default=0, ge=0, description="So many steps are traced: see traces.py.")

    @property
    def trained(self) -> TrainedModel:
        """What this job leaves in its folder."""
        return TrainedModel(weights=self.out / "weights.safetensors", model=self.out / "model.json")

    def identity(self, processes: int = 1) -> str:
        """A digest of everything that the weights depend on: a checkpoint of another identity is not gone on with.

        Several ``processes`` add sums up in another order, as another number of threads does.
        """
        models = {
            name: [digests.of_file(model.weights), digests.of_file(model.model)]
            for name, model in (("init", self.init), ("teacher", self.teacher))
            if model is not None
        }
        return digests.of_json(
            {
                "stage": self.stage,
                "settings": self.settings,
                "spec": self.spec,
                "snapshot": digests.of_file(self.snapshot),
                "models": models,
                "threads": self.threads,
                **({"processes": processes} if processes > 1 else {}),
            }
        )
