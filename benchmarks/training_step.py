"""What does a step of training cost beside the forward and backward pass of its network, and nothing else?

    python benchmarks/training_step.py [--store STORE] [--steps N] [--threads N] [--output FILE]

The trainer itself (`pcr_assets.learning.train`) runs a short second stage of the embedded profile's student: it decodes scans,
draws them through the camera, computes loss and gradients, clips and steps. The named limit is the bare pass of the same
network on batches of the same shape, in the same process and threads. Without a store the cards are rendered ones.
"""

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from scorecard.places import ended
from scorecard.ratio import Ratio, write
from scorecard.worlds import snapshot_of_samples

from edge_runtime.terminal import thread_count
from pcr_assets import settings
from pcr_assets.assets.dataset import snapshot_files
from pcr_assets.learning import train
from pcr_assets.learning.backbones import build
from pcr_assets.learning.job import Job
from pcr_assets.learning.settings import Stage2Settings
from pcr_assets.learning.spec import ModelSpec
from pcr_assets.resources.project import Project

RESULT = Path(__file__).parent / "results" / "training_step.json"
WARM = 4
"""Steps that are not counted: views are made ahead, memory is asked for."""


def step_seconds(job: Job) -> list[float]:
    """The wall clock of each step of a run of the trainer, from one told loss to the next."""
    told: list[float] = []
    with patch.object(train.Pace, "tell", lambda *_: told.append(time.perf_counter())):
        train.train(job, say=lambda _: None)
    return [after - before for before, after in itertools.pairwise(told)][WARM:-1]


def bare_seconds(chosen: Stage2Settings, spec: dict[str, Any], passes: int) -> list[float]:
    """The wall clock of forward and backward of the network on one batch, again and again."""
    net = build(ModelSpec.from_json(spec)).placed(torch.device("cpu")).train()
    width, height = chosen.view_size
    images = torch.randint(0, 256, (chosen.batch, 3, height, width), dtype=torch.uint8)
    images = images.contiguous(memory_format=torch.channels_last)
    spent = []
    for _ in range(WARM + passes):
        start = time.perf_counter()
        net.zero_grad(set_to_none=True)
        net(images).square().mean().backward()
        spent.append(time.perf_counter() - start)
    return spent[WARM:]


def main(arguments: Sequence[str] | None = None) -> int:
    """Time, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", help="a store whose training cards are used (default: rendered cards)")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--threads", type=thread_count, default=2)
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    profile = settings.load("embedded")
    steps = WARM + given.steps + 2
    recipe = {**profile.section("stage2"), "validation_queries": 4, "phases": [{"steps": steps, "learning_rate": 1e-4}]}
    with tempfile.TemporaryDirectory(prefix="step-bench-") as work:
        source = (
            snapshot_files(Project(store=given.store).artifacts) if given.store else snapshot_of_samples(Path(work))
        )
        job = Job.model_validate(
            {
                "stage": "student_stage2",
                "settings": recipe,
                "spec": profile.section("student"),
                "out": work,
                "threads": given.threads,
                **source,
            }
        )
        ours = statistics.median(step_seconds(job))
    chosen = Stage2Settings.model_validate(recipe)
    bare = statistics.median(bare_seconds(chosen, profile.section("student"), given.steps))
    ratio = Ratio("a step of the trainer", "the bare forward and backward pass", ours / bare)
    result = {
        "batch": chosen.batch,
        "view_size": list(chosen.view_size),
        "threads": given.threads,
        "step_ms": round(1e3 * ours, 1),
        "bare_ms": round(1e3 * bare, 1),
        "images_per_second": round(chosen.batch / ours, 1),
    }
    write(result, [ratio], given.output)
    print(f"a step {1e3 * ours:.0f} ms, the bare pass {1e3 * bare:.0f} ms: {ratio.value:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
