"""What trainings of the small networks share that judge what they see and embed nothing: the filter of outlines, and the verifier
of printings."""

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

MOST_LOST_IN_TEST = 0.03
"""Share of test cards above which a network refuses nothing: it has learned too little."""
SHOWN = 12
"""Mistakes of each kind that are kept to be looked at."""


class JudgeJob(BaseModel):
    """One training; its settings are each program's own. See :class:`pcr_assets.learning.job.Job` for ``snapshot`` and
    ``shards``."""

    model_config = ConfigDict(extra="forbid")

    snapshot: Path
    shards: list[Path]
    out: Path
    threads: int = 2


def trusted(likely: np.ndarray, chosen: float) -> bool:
    """Whether a network may refuse, by what its threshold does to test cards: how ``likely`` each seemed.

    One more card is taken to be lost than was, so that a few cards prove nothing.
    """
    return ((likely < chosen).sum() + 1) / (len(likely) + 1) <= MOST_LOST_IN_TEST


def worst(
    views: np.ndarray, likely: np.ndarray, unlikely: tuple[str, np.ndarray], too_likely: tuple[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The worst mistakes of two kinds, each by its name: the views of those that seemed too unlikely, least likely first, and of
    those that seemed too likely, likeliest first; and under ``…_at`` how likely they seemed. Each kind comes as bool N."""
    (low, refused), (high, taken) = ((name, np.flatnonzero(which)) for name, which in (unlikely, too_likely))
    rows = {
        low: refused[np.argsort(likely[refused], kind="stable")][:SHOWN],
        high: taken[np.argsort(-likely[taken], kind="stable")][:SHOWN],
    }
    return {name: views[at] for name, at in rows.items()} | {f"{name}_at": likely[at] for name, at in rows.items()}
