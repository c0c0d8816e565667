"""Train the outline filter. ``python -m pcr_assets.learning.outline_filter JOB.json``

Learns from scenes with training cards, chooses the threshold on scenes with validation cards, and is measured on scenes
with test cards, through the exported file. A minute of work: a killed run starts anew.

Writes into the job's ``out``: outline_filter.onnx, mistakes.npz (the worst crops, see :func:`mistakes`), metrics.json.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pcr_assets.learning import job_file, onnx_graph, outline_net
from pcr_assets.learning.data import read_cards
from pcr_assets.learning.device import set_up_torch
from pcr_assets.learning.judges import JudgeJob, publish, teach, trusted, worst
from pcr_assets.learning.outline_net import OutlineNet
from pcr_assets.learning.outlines import WHOLE, Outlines, joined, outlines
from pcr_assets.learning.progress import Say
from pcr_assets.learning.settings import OutlineFilterSettings

FILE = "outline_filter.onnx"
NOTHING, TIGHT = 0.65, 0.9
"""Overlap with a card up to which an outline teaches "no", and from which it teaches "yes"; between them, in part."""
BRIGHTNESS, TINT = 0.4, 15.0
"""Each view's grey levels are multiplied by 1 ± this, and each channel shifted by ± so many levels."""


class OutlineFilterJob(JudgeJob):
    """One training; ``threads`` make the scenes."""

    settings: OutlineFilterSettings


def train(job: OutlineFilterJob, say: Say = print) -> dict[str, Any]:
    """Run a job to its end and give what metrics.json holds."""
    set_up_torch(threads=1)  # so small a network gains nothing from a second one, and the weights need not depend on it
    settings = job.settings
    wanted = {
        "train": dict.fromkeys(settings.strengths, settings.scenes),
        "validation": dict.fromkeys(settings.kept_at, settings.held_out),
        "test": dict.fromkeys(settings.strengths, settings.held_out),
    }
    found: dict[str, dict[str, Outlines]] = {}
    for split, scenes in wanted.items():
        cards = read_cards(job.snapshot, job.shards, split)
        found[split] = {at: outlines(cards, settings, split, at, scenes[at], job.threads) for at in scenes}
        say(f"outline_filter: outlines of {sum(scenes.values())} scenes with {split} cards")
    seen = {split: joined(list(parts.values())) for split, parts in found.items()}
    net, losses = fit(seen["train"], settings, say)
    job.out.mkdir(parents=True, exist_ok=True)
    path = job.out / FILE
    outline_net.export(net, settings.size, path)
    chosen = threshold(seen["validation"], scores(path, seen["validation"].crops), settings.most_lost)
    likely = scores(path, seen["test"].crops)
    if not trusted(seen["test"].best(likely), chosen):
        say(
            "outline_filter: it loses cards, or there were too few to tell, so it drops no outline and only orders them"
        )
        chosen = 0.0
    onnx_graph.describe(path, {"margin": f"{settings.margin:.9g}", "threshold": f"{chosen:.9g}"})
    metrics = {
        "digest": onnx_graph.graph_digest(path),
        "threshold": chosen,
        "parameters": sum(p.numel() for p in net.parameters()),
        "loss": losses,
        "scenes": {split: sum(scenes.values()) for split, scenes in wanted.items()},
        "test": {at: measured(part, scores(path, part.crops), chosen) for at, part in found["test"].items()},
        "trade": trade(seen["test"], likely),
    }
    publish(job.out, metrics, mistakes(seen["test"], likely, chosen))
    return metrics


def fit(seen: Outlines, settings: OutlineFilterSettings, say: Say = print) -> tuple[OutlineNet, list[float]]:
    """A network that learned how far outlines overlap a card, and the loss of each step.

    One outline in ten is that of a card; a batch holds as many of cards as of anything else.
    """
    torch.manual_seed(settings.seed)
    net = OutlineNet(settings.size, settings.widths).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    truth = np.clip((seen.overlaps - NOTHING) / (TIGHT - NOTHING), 0, 1).astype(np.float32)
    some = truth > 0
    weight = np.where(some, 0.5 / max(some.sum(), 1), 0.5 / max((~some).sum(), 1))

    def batch(rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        rows = rng.choice(len(truth), settings.batch, p=weight / weight.sum())
        return views(seen.crops[rows], rng), torch.from_numpy(truth[rows])

    return net, teach("outline_filter", net, settings, 0.01, batch, say)


def views(crops: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """A batch float32 N×3×H×W from crops uint8 N×H×W×3: mirrored both ways, brighter or darker, in another light."""
    count = len(crops)
    batch = torch.from_numpy(crops).permute(0, 3, 1, 2).float()
    for axis in (2, 3):
        mirrored = torch.from_numpy(rng.random(count) < 0.5).view(-1, 1, 1, 1)
        batch = torch.where(mirrored, batch.flip(axis), batch)
    gain = 1 + BRIGHTNESS * rng.uniform(-1, 1, (count, 1, 1, 1))
    shift = TINT * rng.uniform(-1, 1, (count, 3, 1, 1))
    return (batch * torch.from_numpy(gain).float() + torch.from_numpy(shift).float()).clamp(0, 255)


def scores(path: Path, crops: np.ndarray) -> np.ndarray:
    """The probabilities float32 N that an exported filter gives to crops uint8 N×H×W×3."""
    return onnx_graph.embed(path, crops) if len(crops) else np.empty(0, np.float32)


def threshold(seen: Outlines, likely: np.ndarray, most_lost: float) -> float:
    """The greatest threshold that loses no more than this share of the cards that have an outline good enough to read."""
    best = seen.best(likely)
    return float(best[int(most_lost * len(best))]) if len(best) else 0.0


def measured(seen: Outlines, likely: np.ndarray, chosen: float) -> dict[str, Any]:
    """What a threshold keeps and loses."""
    best, kept, whole = seen.best(likely), likely >= chosen, seen.overlaps >= WHOLE
    return {
        "outlines": len(likely),
        "kept": _share(kept),
        "kept of those of no card": _share(kept[seen.overlaps < NOTHING]),
        "precision": _share(whole[kept]),
        "cards": seen.cards,
        "cards found": len(best),
        "cards lost": int((best < chosen).sum()),
    }


def trade(seen: Outlines, likely: np.ndarray) -> dict[str, list[float]]:
    """For a hundred thresholds the share of found cards that stay (recall) and of kept outlines that are whole cards."""
    best, whole = seen.best(likely), seen.overlaps >= WHOLE
    at = np.quantile(likely, np.linspace(0, 0.995, 100)) if len(likely) else np.zeros(1)
    return {
        "recall": [round(_share(best >= least), 4) for least in at],
        "precision": [round(_share(whole[likely >= least]), 4) for least in at],
        "kept": [round(_share(likely >= least), 4) for least in at],
    }


def _share(which: np.ndarray) -> float:
    return float(np.mean(which)) if len(which) else 0.0


def mistakes(seen: Outlines, likely: np.ndarray, chosen: float) -> dict[str, np.ndarray]:
    """The worst on either side: ``dropped`` whole cards, least likely first, and ``kept`` outlines of no card, likeliest
    first; crops uint8 N×H×W×3, and how likely they seemed."""
    dropped, kept = (seen.overlaps >= WHOLE) & (likely < chosen), (seen.overlaps < NOTHING) & (likely >= chosen)
    return worst(seen.crops, likely, ("dropped", dropped), ("kept", kept))


if __name__ == "__main__":
    train(job_file.read("pcr_assets.learning.outline_filter", __doc__, sys.argv[1:], OutlineFilterJob))
