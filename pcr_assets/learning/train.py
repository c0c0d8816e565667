"""Train one stage. ``python -m pcr_assets.learning.train JOB.json`` (the job file is described in job.py)

One loop for the teacher and both stages of the student; stages.py says what differs. It can be killed at any moment:
the same job started again goes on from its last checkpoint and ends with the same weights, bit for bit. Several processes
share the work when torchrun starts them (together.py): ``python -m pcr_assets.learning.torchrun --processes 8 train JOB.json``.

Writes into the job's ``out``: weights.safetensors, model.json (the spec), metrics.json (curves and recall of validation
cards, no clock time), and on the way prepared-*.safetensors and checkpoints/.
"""

import json
import sys
from typing import Any

import numpy as np
import torch

from edge_runtime.geometry import whole_card
from pcr_assets.imaging import camera
from pcr_assets.learning import assess, checkpoint, embed, evaluate, heads, job_file, together, traces
from pcr_assets.learning.backbones import EmbeddingNet, WeightsError, build
from pcr_assets.learning.batches import batches, short_of_memory
from pcr_assets.learning.data import Cards, Image, read_cards
from pcr_assets.learning.device import set_up_torch
from pcr_assets.learning.job import Job
from pcr_assets.learning.lesson import Lesson, can_be_shared, learn, normalised_together, taught
from pcr_assets.learning.meeting import PARTED, NobodyCame
from pcr_assets.learning.progress import Pace, Say
from pcr_assets.learning.schedule import Picks, learning_mode, optimizer_for, set_rate, stretches
from pcr_assets.learning.settings import TrainingSettings
from pcr_assets.learning.spec import ModelSpec
from pcr_assets.learning.stages import STAGES, Prepared
from pcr_assets.learning.together import ALONE, CannotShare, Parted, Team
from pcr_assets.settings import mistakes

OTHERS_SEED = 7_919_000_017


def train(job: Job, say: Say = print, team: Team = ALONE) -> dict[str, Any]:
    """Run a job to its end, this process's part of it, and give what metrics.json holds.

    Raises WeightsError for weights that are not there or don't fit, CannotShare for work that this team can't do.
    """
    say = say if team.leads else _in_silence
    device = set_up_torch(job.threads, team)
    settings = STAGES[job.stage].settings.model_validate(job.settings)
    cards, validation = (read_cards(job.snapshot, job.shards, split) for split in ("train", "validation"))
    lesson, prepared = first_lesson(job, cards, settings, device, say, team)
    net, criterion = lesson.net, lesson.criterion
    parts = {"model": net, "criterion": criterion}

    phases = stretches(settings, len(cards))
    steps = phases[-1].stop
    curves: dict[str, list[Any]] = {"loss": [], "validation": []}
    checkpoints = job.out / "checkpoints" / job.identity(team.size)[:16]
    resumed = checkpoint.newest(checkpoints) if team.leads else None
    start: int = together.tell(resumed.step if resumed else 0, team)
    if resumed:
        curves = resumed.run["curves"]
        checkpoint.restore(resumed.folder, parts)  # the others get it from the leader as the team forms, below
        say(f"{job.stage}: going on from step {start} of {steps}")

    picks = Picks(len(cards), settings, prepared.get("neighbours"))
    slots = team.share(settings.batch, settings.accumulate)

    def view(step: int, at: int) -> Image:
        return training_view(cards.image(picks(step, slots[at])), settings, step, slots[at])

    pictures = batches(view, range(start, steps), len(slots), workers=job.threads)
    pace = Pace(job.stage, start, steps, settings.batch, say)
    with traces.of(job, team) as tracing:
        for stretch in phases:
            if stretch.stop <= start:
                continue
            optimizer = optimizer_for(net, criterion, stretch.phase, settings.weight_decay)
            if stretch.start < start:
                moments = checkpoint.moments(resumed.folder) if resumed else {}
                checkpoint.set_moments(optimizer, together.hand_out(moments, team))
            shared = taught(lesson, team)
            for step in range(max(start, stretch.start), stretch.stop):
                set_rate(optimizer, stretch.phase.learning_rate * stretch.rate(step, settings.warmup))
                # Dropout: a resumed run repeats it, and no two processes drop the same.
                torch.manual_seed(settings.seed * 1_000_003 + step + OTHERS_SEED * team.rank)
                rows = torch.tensor([picks(step, slot) for slot in slots], device=device)
                learning_mode(net)
                images = next(pictures)
                ripeness = min(1.0, 2 * (step + 1) / steps)
                loss = learn(shared, optimizer, images, rows, ripeness, settings, team)
                tracing.step()

                done = step + 1
                curves["loss"].append(round(loss, 5))
                pace.tell(done, curves["loss"][-1])
                if not team.leads:
                    continue
                if settings.validate_every and done % settings.validate_every == 0 and done < steps:
                    curves["validation"].append({"step": done, **validate(net, validation, cards, settings, say)})
                if done in (steps, stretch.stop) or done % settings.checkpoint_every == 0:
                    checkpoint.save(checkpoints, done, parts, optimizer, {"curves": curves}, job.keep_checkpoints)
    return conclude(job, net, cards, validation, curves, say) if team.leads else {}


def first_lesson(
    job: Job, cards: Cards, settings: TrainingSettings, device: torch.device, say: Say, team: Team
) -> tuple[Lesson, Prepared]:
    """The network and its loss as they are before the first step, and what was prepared for them."""
    torch.manual_seed(settings.seed)
    net = job.init.load() if job.init else build(ModelSpec.from_json(job.spec or {}))
    net = net.placed(device, channels_last=settings.channels_last)
    can_be_shared(net, settings, team)
    if advice := short_of_memory(settings.batch // team.size):
        say(f"{job.stage}: {advice}")
    prepared = prepare_once(job, net, cards, settings, say, team)
    criterion = STAGES[job.stage].criterion(prepared, cards, settings).to(device)
    return Lesson(normalised_together(net, team), criterion, settings), prepared


def _in_silence(line: str) -> None:
    """What all but the leader say."""


def prepare_once(
    job: Job, net: EmbeddingNet, cards: Cards, settings: TrainingSettings, say: Say, team: Team
) -> Prepared:
    """What the stage prepares, from the file of an earlier start of the same job if there is one; fits the head.

    The leader prepares, and hands it out.
    """
    file = job.out / f"prepared-{job.identity()[:16]}.safetensors"
    prepared = checkpoint.load_tensors(file) if team.leads else {}
    if prepared is None:
        teacher = job.teacher.load().placed(net.mean.device) if job.teacher else None
        prepared = STAGES[job.stage].prepare(net, cards, settings, teacher, say)
        job.out.mkdir(parents=True, exist_ok=True)
        checkpoint.save_tensors(prepared, file)
    prepared = together.hand_out(prepared, team)
    if "head.weight" in prepared:
        heads.set_linear(net.head, prepared["head.weight"], prepared["head.bias"])
    return prepared


def training_view(card: Image, settings: TrainingSettings, step: int, slot: int) -> Image:
    """What a slot of a step sees of a card: now and then the clean scan, else a camera picture of its own."""
    rng = np.random.default_rng([settings.seed, 1, step, slot])
    if rng.random() < settings.clean_share:
        return whole_card(card, settings.view_size)
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


def conclude(
    job: Job, net: EmbeddingNet, cards: Cards, validation: Cards, curves: dict[str, list[Any]], say: Say
) -> dict[str, Any]:
    """Compute the head once more where the settings ask for it, look at validation cards, and publish.

    This comes after the last checkpoint: a run that is resumed from there does it again, from the head as it was trained.
    """
    settings = STAGES[job.stage].settings.model_validate(job.settings)
    STAGES[job.stage].finish(net, cards, settings, say)
    step = len(curves["loss"])
    curves["validation"].append({"step": step, **validate(net, validation, cards, settings, say)})
    return publish(job, net, curves)


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


def main(arguments: list[str]) -> int:
    """Run a job file; an error that a person can mend is one sentence on the last line."""
    job: Job = job_file.read("pcr_assets.learning.train", __doc__, arguments, Job)
    wrong = mistakes(STAGES[job.stage].settings, job.settings, "settings")
    wrong += mistakes(ModelSpec, job.spec, "spec") if job.spec else []
    if wrong:
        print(f"{job.stage}: {'; '.join(wrong)}", file=sys.stderr)
        return 1
    try:
        with together.gathered() as team:
            train(job, team=team)
        if job.assess and team.leads:
            assess.judge(job.trained, job.snapshot, job.shards, job.out, job.threads)
    except (WeightsError, FloatingPointError, CannotShare, NobodyCame) as error:
        print(f"{job.stage}: {error}", file=sys.stderr)
        return 1
    except Parted:
        return PARTED  # in silence: the other one says why
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
