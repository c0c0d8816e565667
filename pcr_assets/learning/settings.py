"""The settings of the three training stages: typed, with defaults, written to JSON and YAML as they stand here.

The defaults are the embedded profile: some twelve minutes of training in all on two CPU cores. docs/ablations.md tells
what each was chosen against. Everything is counted in steps or epochs, never in seconds, so a stage gives the same
weights on a slow day.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from pcr_assets.imaging.strengths import StrengthNames
from pcr_assets.settings import AtLeast1, Seed, Sides, Strict


class Phase(Strict):
    """A stretch of training: how long, what learns, and how fast."""

    steps: int | None = Field(default=None, ge=1, description="Length in optimizer steps.")
    epochs: float | None = Field(default=None, gt=0, description="Length in passes over the training cards.")
    learns: Literal["head", "all"] | Annotated[int, Field(ge=1)] = Field(
        default="all",
        description="The head alone, everything, or the head and the last so many blocks of the backbone.",
    )
    learning_rate: float = Field(
        default=3e-4,
        gt=0,
        description="Peak of the warm-up; falls to zero on a cosine. Folded networks diverge from 6e-4 on.",
    )
    head_rate: float = Field(default=1.0, gt=0, description="The head's learning rate as a multiple of the backbone's.")
    proxy_rate: float = Field(default=1.0, gt=0, description="The same for the class proxies of ArcFace.")

    @model_validator(mode="after")
    def _one_length(self) -> "Phase":
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("a phase is either so many steps or so many epochs long: give one of the two")
        return self

    def length(self, cards: int, batch: int, most_epochs: float) -> int:
        """Steps of this phase for a number of training cards and a batch size, in no more than so many epochs."""
        own = self.steps if self.steps is not None else _steps(self.epochs or 0, cards, batch)
        return min(own, _steps(most_epochs, cards, batch))


def _steps(epochs: float, cards: int, batch: int) -> int:
    return max(1, round(epochs * cards / batch))


class TrainingSettings(Strict):
    """What all stages share."""

    seed: Seed = 0
    phases: tuple[Phase, ...] = (Phase(steps=100),)
    batch: int = Field(default=32, ge=2, description="Views in a step.")
    most_epochs: float = Field(
        default=100,
        gt=0,
        description="A phase passes over the cards no more often than this, however many steps it has: few are learned sooner.",
    )
    view_size: Sides = Field(default=(128, 176), description="Width and height of the training views, in pixels.")
    strengths: StrengthNames = Field(
        default=("train",), description="How bad the simulated camera is, drawn anew for each view."
    )
    clean_share: float = Field(
        default=0.1, ge=0, le=1, description="Share of views that are the clean scan: the gallery is made of those."
    )
    warmup: float = Field(default=0.1, ge=0, lt=1, description="Share of each phase in which the learning rate rises.")
    weight_decay: float = Field(default=0.01, ge=0)
    clip_norm: float = Field(default=1.0, gt=0, description="Gradients are scaled down to this norm.")
    head_fit_cards: int = Field(
        default=2000,
        ge=0,
        description="Cards from which the head's first weights are computed in closed form; 0 keeps them random.",
    )
    head_refit_cards: int = Field(
        default=0,
        ge=0,
        description="Cards from which the head is computed in closed form once more after the last step; 0 leaves it as trained. "
        "So does stage 2 where there are fewer.",
    )
    validate_every: int = Field(
        default=0, ge=0, description="Steps between two looks at validation cards; 0 looks at the end only."
    )
    validation_queries: int = Field(default=200, ge=1, description="At most so many validation cards are looked up.")
    validation_gallery: int = Field(default=800, ge=0, description="They stand among at most so many training cards.")
    checkpoint_every: int = Field(default=50, ge=1, description="Steps between two checkpoints.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Of the network's products: auto is bfloat16 on a GPU and float32 on a CPU. A step in bfloat16 takes ten "
        "times as long on a CPU that has no instructions for it.",
    )
    channels_last: bool = Field(
        default=True,
        description="Pictures lie in memory pixel by pixel, not plane by plane: on a CPU a step takes a tenth to a fifth less.",
    )
    compile: bool = Field(
        default=False,
        description="torch.compile the network before its first step. On a CPU that took three minutes, and steps got slower.",
    )
    accumulate: int = Field(
        default=1,
        ge=1,
        description="A batch is shown in so many parts, for less memory; BatchNorm that learns sees each by itself. Four parts "
        "took a CPU 4 % longer than the whole.",
    )


class TeacherSettings(TrainingSettings):
    """The teacher learns to name each training card through the camera: ArcFace, one class for what can't be told apart."""

    phases: tuple[Phase, ...] = (Phase(steps=140),)
    margin: float = Field(default=0.2, ge=0, lt=1.5, description="Additive angular margin, in radians.")
    scale: float = Field(
        default=32.0, gt=0, description="Inverse temperature of the cosines; a smaller one asks for nearer views."
    )


class Stage1Settings(TrainingSettings):
    """The student meets, through the camera, what the teacher says of the clean card."""

    phases: tuple[Phase, ...] = (Phase(steps=200),)
    temperature: float = Field(
        default=0.05, gt=0, description="Of the similarities to the teacher's embeddings of all training cards."
    )
    cosine_weight: float = Field(default=1.0, ge=0, description="Weight of (1 - cosine to the teacher's embedding).")
    relation_weight: float = Field(
        default=1.0, ge=0, description="Weight of the divergence between both similarity distributions."
    )


class Stage2Settings(TrainingSettings):
    """The student learns to tell each card from the cards it confuses it with."""

    phases: tuple[Phase, ...] = (Phase(steps=220, learning_rate=2e-4),)
    head_fit_cards: int = Field(
        default=0,
        ge=0,
        description="Cards from which a new head is computed in closed form, in the features of stage 1; 0 goes on with its head.",
    )
    head_refit_blocks: int = Field(
        default=0,
        ge=0,
        description="Of so many of the backbone's last blocks the head that is computed once more sees the means as well.",
    )
    margin: float = Field(default=0.2, ge=0, lt=1.5, description="Additive angular margin, in radians.")
    scale: float = Field(
        default=32.0, gt=0, description="Inverse temperature of the cosines; a smaller one asks for nearer views."
    )
    neighbours: int = Field(
        default=4,
        ge=1,
        description="Cards of a batch come in groups of this many nearest neighbours; 1 is no grouping.",
    )
    koleo_weight: float = Field(
        default=0.0, ge=0, description="Weight of the KoLeo regulariser, which spreads embeddings apart."
    )


class UndistilledSettings(Strict):
    """Whether the student is trained once more without a teacher, for the check that distillation is worth it."""

    trained: bool = Field(default=False, description="Costs as much as stage 1.")


def without_a_teacher(stage1: Mapping[str, Any]) -> dict[str, Any]:
    """Of stage 1's settings those that a training without a teacher has too, also where stage 1 follows its own defaults."""
    return Stage1Settings.model_validate(stage1).model_dump(mode="json", include=set(TrainingSettings.model_fields))


class JudgeSettings(Strict):
    """What the small networks share that judge what they see: the outline filter and the printing verifier."""

    seed: Seed = 0
    strengths: StrengthNames = Field(default=("easy", "medium", "hard"), description="How bad the simulated camera is.")
    steps: int = Field(ge=1)
    batch: int = Field(ge=2)
    learning_rate: float = Field(default=4e-3, gt=0)


class OutlineFilterSettings(JudgeSettings):
    """The outline filter learns, on simulated scenes, which outlines are those of whole cards."""

    scenes: int = Field(default=110, ge=1, description="Scenes with training cards to learn from, at each strength.")
    held_out: int = Field(
        default=50, ge=1, description="The same with validation cards for the threshold, and with test cards."
    )
    kept_at: StrengthNames = Field(
        default=("easy", "medium"),
        description="Strengths at which the threshold is chosen: at the hardest a card is seldom read even if it is kept.",
    )
    size: Sides = Field(default=(48, 64), description="Width and height of what the filter sees, in pixels.")
    margin: float = Field(
        default=1.3, ge=1, le=2, description="An outline is enlarged by this, so that its edge shows."
    )
    widths: tuple[AtLeast1, ...] = Field(
        default=(12, 24, 48, 64), min_length=1, description="Channels of each convolution."
    )
    steps: int = Field(default=600, ge=1)
    batch: int = Field(default=128, ge=2)
    most_lost: float = Field(
        default=0.005, ge=0, lt=1, description="Share of found cards that the threshold may lose on held-out scenes."
    )


class PrintingVerifierSettings(JudgeSettings):
    """The printing verifier learns, on made-up printings seen by the simulated camera, to tell one printing from another."""

    pairs: int = Field(default=4000, ge=1, description="Pairs of training cards to learn from, at each strength.")
    held_out: int = Field(
        default=700, ge=1, description="The same of validation cards for the threshold, and of test cards."
    )
    widths: tuple[AtLeast1, ...] = Field(
        default=(16, 32, 64, 96), min_length=1, description="Channels of the convolutions."
    )
    steps: int = Field(default=1100, ge=1)
    batch: int = Field(default=64, ge=2)
    most_lost: float = Field(
        default=0.003, ge=0, lt=1, description="Share of cards that the threshold may refuse on held-out pairs."
    )
    small_at: StrengthNames = Field(
        default=("easy", "medium"), description="How bad the camera is that sees the small cards of a second threshold."
    )
    most_small_lost: float = Field(
        default=0.01, ge=0, lt=1, description="Share of small cards that their threshold may refuse on held-out pairs."
    )
