"""Train the printing verifier. ``python -m pcr_assets.learning.printing_verifier JOB.json``

Learns from pairs of training cards, chooses the thresholds on pairs of validation cards, and is measured on pairs of test cards,
through the exported file. Some minutes of work: a killed run starts anew.

Writes into the job's ``out``: printing_verifier.onnx, mistakes.npz (the worst pairs, see :func:`mistakes`), metrics.json.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pcr_assets.imaging.printings import WAYS
from pcr_assets.learning import job_file, onnx_graph, printing_net
from pcr_assets.learning.data import read_cards
from pcr_assets.learning.device import set_up_torch
from pcr_assets.learning.judges import JudgeJob, publish, teach, trusted, worst
from pcr_assets.learning.printing_net import PrintingNet
from pcr_assets.learning.printing_pairs import Pairs, joined, pairs
from pcr_assets.learning.progress import Say
from pcr_assets.learning.settings import PrintingVerifierSettings

FILE = "printing_verifier.onnx"
MOVED = 2
"""Pixels by which a card is moved over its picture, at most: points that agree lay it only about right."""
UNSURE = 0.01
"""What a pair is taught to be instead of 0, and instead of 1 less: no confidence is worth more."""


class PrintingVerifierJob(JudgeJob):
    """One training; ``threads`` make the pairs and train, so the weights depend on their number."""

    settings: PrintingVerifierSettings


def train(job: PrintingVerifierJob, say: Say = print) -> dict[str, Any]:
    """Run a job to its end and give what metrics.json holds."""
    set_up_torch(threads=job.threads)
    settings = job.settings
    seen = {split: joined(list(_made(job, split, say).values())) for split in ("train", "validation")}
    tested = _made(job, "test", say)
    seen["test"] = joined(list(tested.values()))
    small = {split: joined(list(_made(job, split, say, small=True).values())) for split in ("validation", "test")}
    net, losses = fit(seen["train"], settings, say)
    job.out.mkdir(parents=True, exist_ok=True)
    path = job.out / FILE
    printing_net.export(net, path)
    chosen = threshold(seen["validation"], scores(path, seen["validation"]), settings.most_lost)
    likely = scores(path, seen["test"])
    if not trusted(likely[seen["test"].same], chosen):
        say("printing_verifier: it refuses cards, or there were too few to tell, so it refuses none")
        chosen = 0.0
    chosen_small = max(
        chosen, threshold(small["validation"], scores(path, small["validation"]), settings.most_small_lost)
    )
    likely_small = scores(path, small["test"])
    if not chosen or not trusted(likely_small[small["test"].same], chosen_small):
        chosen_small = chosen
    onnx_graph.describe(path, {"threshold": f"{chosen:.9g}", "threshold_small": f"{chosen_small:.9g}"})
    metrics = {
        "digest": onnx_graph.graph_digest(path),
        "threshold": chosen,
        "threshold_small": chosen_small,
        "parameters": sum(p.numel() for p in net.parameters()),
        "loss": losses,
        "pairs": {split: len(parts) for split, parts in seen.items()},
        "test": {at: measured(part, scores(path, part), chosen) for at, part in tested.items()},
        "test small": measured(small["test"], likely_small, chosen_small),
        "test by way": by_way(seen["test"], likely, chosen),
    }
    publish(job.out, metrics, mistakes(seen["test"], likely, chosen))
    return metrics


def _made(job: PrintingVerifierJob, split: str, say: Say, *, small: bool = False) -> dict[str, Pairs]:
    """The pairs of a split's cards, or of its small cards, by the strength of the camera."""
    settings, cards = job.settings, read_cards(job.snapshot, job.shards, split)
    count = settings.pairs if split == "train" else settings.held_out
    found: dict[str, Pairs] = {}
    for at in settings.small_at if small else settings.strengths:
        found[at] = pairs(cards, settings, split, at, count, job.threads, small=small)
    say(f"printing_verifier: {sum(map(len, found.values()))} pairs of {'small ' if small else ''}{split} cards")
    return found


def fit(seen: Pairs, settings: PrintingVerifierSettings, say: Say = print) -> tuple[PrintingNet, list[float]]:
    """A network that learned which pairs are one printing, and the loss of each step."""
    torch.manual_seed(settings.seed)
    net = PrintingNet(settings.widths).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    truth = torch.from_numpy(np.where(seen.same, 1 - UNSURE, UNSURE).astype(np.float32))

    def batch(rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        rows = rng.choice(len(seen), settings.batch)
        views = torch.from_numpy(seen.views[rows]).float()
        down, right = rng.integers(-MOVED, MOVED + 1, 2).tolist()
        return torch.stack([views[:, 0].roll((down, right), (1, 2)), views[:, 1]], dim=1), truth[rows]

    return net, teach("printing_verifier", net, settings, 0.001, batch, say) if len(seen) else []


def scores(path: Path, seen: Pairs) -> np.ndarray:
    """The probabilities float32 N that an exported verifier gives to pairs."""
    running = onnx_graph.session(path)
    portions = (seen.views[at : at + onnx_graph.BATCH] for at in range(0, len(seen), onnx_graph.BATCH))
    found = [running.run(None, {"pairs": portion.astype(np.float32)})[0] for portion in portions]
    return np.concatenate(found) if found else np.empty(0, np.float32)


def threshold(seen: Pairs, likely: np.ndarray, most_lost: float) -> float:
    """The greatest threshold that refuses no more than this share of the pairs that are one printing."""
    own = np.sort(likely[seen.same])
    return float(own[int(most_lost * len(own))]) if len(own) else 0.0


def measured(seen: Pairs, likely: np.ndarray, chosen: float) -> dict[str, Any]:
    """What a threshold refuses."""
    refused = likely < chosen
    return {
        "cards": int(seen.same.sum()),
        "cards refused": int(refused[seen.same].sum()),
        "other printings": int((~seen.same).sum()),
        "other printings refused": int(refused[~seen.same].sum()),
    }


def by_way(seen: Pairs, likely: np.ndarray, chosen: float) -> dict[str, dict[str, int]]:
    """How many other printings there were of each way in which they differ, and how many were refused."""
    ways, refused = np.array(seen.ways), likely < chosen
    return {
        way: {"other printings": int((ways == way).sum()), "refused": int(refused[ways == way].sum())} for way in WAYS
    }


def mistakes(seen: Pairs, likely: np.ndarray, chosen: float) -> dict[str, np.ndarray]:
    """The worst on either side: ``refused`` cards, least likely first, and ``taken`` other printings, likeliest first; what the
    verifier saw of the card and of the picture, float16 N×2×H×W, and how likely they seemed."""
    refused, taken = seen.same & (likely < chosen), ~seen.same & (likely >= chosen)
    return worst(seen.views, likely, ("refused", refused), ("taken", taken))


if __name__ == "__main__":
    train(job_file.read("pcr_assets.learning.printing_verifier", __doc__, sys.argv[1:], PrintingVerifierJob))
