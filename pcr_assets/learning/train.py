"""Train one stage. ``python -m pcr_assets.learning.train JOB.json`` (the job file is described in job.py)

One loop for the teacher and both stages of the student; stages.py says what differs. It can be killed at any moment:
the same job started again goes on from its last checkpoint and ends with the same weights, bit for bit.

Writes into the job's ``out``: weights.safetensors, model.json (the spec), metrics.json (curves and recall of validation
cards, no clock time), and on the way prepared-*.safetensors and checkpoints/.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from pcr_assets.imaging import camera
from pcr_assets.learning import checkpoint, embed, evaluate, heads
from pcr_assets.learning.backbones import EmbeddingNet, ModelSpec, WeightsError, build
from pcr_assets.learning.data import Cards, Image, batches, clean_view, read_cards
from pcr_assets.learning.job import Job
from pcr_assets.learning.schedule import Picks, optimizer_for, stretches
from pcr_assets.learning.settings import TrainingSettings
from pcr_assets.learning.stages import STAGES, Prepared, Say
from pcr_assets.settings import mistakes

PACE_SECONDS = 5.0


def train(job: Job, say: Say = print) -> dict[str, Any]:
    """Run a job to its end and give what metrics.json holds. Raises WeightsError for weights that are not there or don't fit."""
    device = set_up_torch(job.threads)
    stage = STAGES[job.stage]
    settings = stage.settings.model_validate(job.settings)
    cards, validation = (read_cards(job.snapshot, job.shards, split) for split in ("train", "validation"))
    torch.manual_seed(settings.seed)
    net = job.init.load() if job.init else build(ModelSpec.from_json(job.spec or {}))
    net = net.placed(device)
    prepared = prepare_once(job, net, cards, settings, say)
    criterion = stage.criterion(prepared, cards, settings).to(device)
    parts = {"model": net, "criterion": criterion}

    phases = stretches(settings, len(cards))
    steps = phases[-1].stop
    curves: dict[str, list[Any]] = {"loss": [], "validation": []}
    start = 0
    checkpoints = job.out / "checkpoints" / job.identity()[:16]
    resumed = checkpoint.newest(checkpoints)
    if resumed:
        start, curves = resumed.step, resumed.run["curves"]
        checkpoint.restore(resumed.folder, parts)
        say(f"{job.stage}: going on from step {start} of {steps}")

    picks = Picks(len(cards), settings, prepared.get("neighbours"))

    def view(step: int, slot: int) -> Image:
        return training_view(cards.image(picks(step, slot)), settings, step, slot)

    pictures = batches(view, range(start, steps), settings.batch, workers=job.threads)
    pace = Pace(job.stage, start, steps, settings.batch, say)
    for stretch in phases:
        if stretch.stop <= start:
            continue
        optimizer = optimizer_for(net, criterion, stretch.phase, settings.weight_decay)
        if resumed and stretch.start < start:
            checkpoint.restore_optimizer(resumed.folder, optimizer)
        for step in range(max(start, stretch.start), stretch.stop):
            rate = stretch.phase.learning_rate * stretch.rate(step, settings.warmup)
            for group in optimizer.param_groups:
                group["lr"] = rate * group["times"]
            torch.manual_seed(settings.seed * 1_000_003 + step)  # dropout: a resumed run repeats it
            rows = torch.tensor([picks(step, slot) for slot in range(settings.batch)], device=device)
            net.train()
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                embeddings = net(next(pictures).to(device))
            loss = criterion(embeddings.float(), rows, ripeness=min(1.0, 2 * (step + 1) / steps))
            descend(optimizer, loss, settings.clip_norm)

            done = step + 1
            curves["loss"].append(round(float(loss.detach()), 5))
            pace.tell(done, curves["loss"][-1])
            if done == steps or (settings.validate_every and done % settings.validate_every == 0):
                curves["validation"].append({"step": done, **validate(net, validation, cards, settings, say)})
            if done in (steps, stretch.stop) or done % settings.checkpoint_every == 0:
                checkpoint.save(checkpoints, done, parts, optimizer, {"curves": curves})
    return publish(job, net, curves)


def descend(optimizer: torch.optim.Optimizer, loss: Tensor, clip_norm: float) -> None:
    """One step down the gradient of a loss. Raises FloatingPointError when the loss is no number any more."""
    if not torch.isfinite(loss):
        raise FloatingPointError("the loss is no number any more: halve the learning rate of this phase")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], clip_norm)
    optimizer.step()


def set_up_torch(threads: int) -> torch.device:
    """The device to train on, set up so that the same job gives the same weights again."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)  # views are made by threads of ours
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    torch.set_flush_denormal(True)  # a fresh network is full of denormals, a hundred times slower on a CPU
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def prepare_once(job: Job, net: EmbeddingNet, cards: Cards, settings: TrainingSettings, say: Say) -> Prepared:
    """What the stage prepares, from the file of an earlier start of the same job if there is one; fits the head."""
    file = job.out / f"prepared-{job.identity()[:16]}.safetensors"
    prepared = checkpoint.load_tensors(file)
    if prepared is None:
        teacher = job.teacher.load().placed(net.mean.device) if job.teacher else None
        prepared = STAGES[job.stage].prepare(net, cards, settings, teacher, say)
        job.out.mkdir(parents=True, exist_ok=True)
        checkpoint.save_tensors(prepared, file)
    if "head.weight" in prepared:
        heads.set_linear(net.head, prepared["head.weight"], prepared["head.bias"])
    return prepared


def training_view(card: Image, settings: TrainingSettings, step: int, slot: int) -> Image:
    """What a slot of a step sees of a card: now and then the clean scan, else a camera picture of its own."""
    rng = np.random.default_rng([settings.seed, 1, step, slot])
    if rng.random() < settings.clean_share:
        return clean_view(card, settings.view_size)
    strength = settings.strengths[int(rng.integers(len(settings.strengths)))]
    return camera.rectified(card, rng, strength, settings.view_size)


def validate(
    net: EmbeddingNet, validation: Cards, cards: Cards, settings: TrainingSettings, say: Say
) -> dict[str, Any]:
    """Recall of validation cards among themselves and as many training cards as the settings ask for."""

    shelf = validation.joined(cards, settings.validation_gallery)
    found = evaluate.recognition(
        embed.by(net),
        validation,
        net.spec.input_size,
        strength="hard",
        queries=settings.validation_queries,
        gallery=shelf,
    )
    say(f"val_recall@1={found['recall_at_1']['recall']:.4f} of {len(shelf)} cards, same_card={found['same_card']:.3f}")
    return found


def publish(job: Job, net: EmbeddingNet, curves: dict[str, list[Any]]) -> dict[str, Any]:
    """Write weights, spec and metrics into the job's folder; metrics.json last, so that it says the run is whole."""
    metrics = {
        "stage": job.stage,
        "steps": len(curves["loss"]),
        "curves": curves,
        "validation": curves["validation"][-1],
        "parameters": sum(p.numel() for p in net.parameters()),
        "licence": net.spec.licence,
    }
    checkpoint.save_tensors(net.state_dict(), job.out / "weights.safetensors")
    (job.out / "model.json").write_text(json.dumps(net.spec.as_json(), indent=1, sort_keys=True))
    (job.out / "metrics.json").write_text(json.dumps(metrics, indent=1, sort_keys=True))
    return metrics


class Pace:
    """A line of progress every few seconds, for the person who watches."""

    def __init__(self, name: str, start: int, steps: int, batch: int, say: Say):
        self.name, self.start, self.steps, self.batch, self.say = name, start, steps, batch, say
        self.began = self.told = time.monotonic()

    def tell(self, done: int, loss: float) -> None:
        """Say where the run is, unless something was said just now."""
        now = time.monotonic()
        if now - self.told < PACE_SECONDS and done < self.steps:
            return
        self.told = now
        pace = (done - self.start) / max(now - self.began, 1e-9)
        left = (self.steps - done) / pace
        self.say(f"{self.name} {done}/{self.steps} loss={loss:.4f} {pace * self.batch:.0f} images/s, {left:.0f} s left")


def main(arguments: list[str]) -> int:
    """Run a job file; an error that a person can mend is one sentence on the last line."""
    job = Job.model_validate_json(Path(arguments[0]).read_text())
    wrong = mistakes(STAGES[job.stage].settings, job.settings, "settings")
    wrong += mistakes(ModelSpec, job.spec, "spec") if job.spec else []
    if wrong:
        print(f"{job.stage}: {'; '.join(wrong)}", file=sys.stderr)
        return 1
    try:
        train(job)
    except (WeightsError, FloatingPointError) as error:
        print(f"{job.stage}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
