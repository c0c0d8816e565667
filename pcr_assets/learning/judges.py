"""What trainings of the small networks share that judge what they see and embed nothing: the filter of outlines, and the verifier
of printings."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pcr_assets.learning.lesson import descend
from pcr_assets.learning.progress import Pace, Say
from pcr_assets.learning.settings import JudgeSettings
from pcr_assets.settings import Strict, Threads

MOST_LOST_IN_TEST = 0.03
"""Share of test cards above which a network refuses nothing: it has learned too little."""
SHOWN = 12
"""Mistakes of each kind that are kept to be looked at."""


class JudgeJob(Strict):
    """One training; its settings are each program's own. See :class:`pcr_assets.learning.job.Job` for ``snapshot`` and
    ``shards``."""

    snapshot: Path
    shards: list[Path]
    out: Path
    threads: Threads = 2


def teach(
    name: str,
    net: nn.Module,
    settings: JudgeSettings,
    weight_decay: float,
    batch: Callable[[np.random.Generator], tuple[Tensor, Tensor]],
    say: Say,
) -> list[float]:
    """Teach a network, in place; gives the loss of each step. ``batch`` draws what a step shows it, and the truth of each, 0..1."""
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=weight_decay)
    losses: list[float] = []
    pace = Pace(name, 0, settings.steps, settings.batch, say)
    for step in range(settings.steps):
        shown, truth = batch(np.random.default_rng([settings.seed, 100, step]))
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _share_of_rate(step, settings.steps)
        net.train()
        loss = nn.functional.binary_cross_entropy_with_logits(net(shown), truth)
        descend(optimizer, loss, clip_norm=1.0)
        losses.append(round(float(loss.detach()), 5))
        pace.tell(step + 1, losses[-1])
    return losses


def _share_of_rate(step: int, steps: int) -> float:
    """The learning rate as a share of its peak: a warm-up over a tenth of the steps, then half a cosine."""
    return min(1.0, (step + 1) / max(1, steps // 10)) * 0.5 * (1 + math.cos(math.pi * step / steps))


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


def publish(out: Path, metrics: dict[str, Any], shown: dict[str, Any]) -> None:
    """Write what was measured, and the mistakes that are shown, into a job's folder."""
    np.savez(out / "mistakes.npz", **shown)
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1, sort_keys=True))
