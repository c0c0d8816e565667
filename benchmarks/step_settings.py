"""What precision, memory layout, torch.compile and accumulation cost or save in a step of training on this machine.

    python benchmarks/step_settings.py [--backbone efficientnet_lite0] [--batch 16] [--size 128 176] [--only compile]

Each choice is one step's CPU time (all threads together, so a busy machine changes little) and wall time, after one step that
allocates and compiles; on a GPU look at the wall time. Pictures are noise: what they show costs nothing.
"""

import argparse
import json
import time

import torch
from torch import nn

from edge_runtime.terminal import thread_count
from pcr_assets.learning.backbones import build
from pcr_assets.learning.device import set_up_torch
from pcr_assets.learning.lesson import Lesson, learn
from pcr_assets.learning.losses import ArcFace
from pcr_assets.learning.settings import TrainingSettings
from pcr_assets.learning.spec import ModelSpec
from pcr_assets.learning.together import ALONE

CHOICES = {
    "default": {},
    "planes": {"channels_last": False},
    "bfloat16": {"precision": "bfloat16"},
    "accumulate": {"accumulate": 4},
    "compile": {"compile": True},
}
CLASSES = 1000


class Names(nn.Module):
    """ArcFace over rows, as the stages have it."""

    def __init__(self, dimensions: int):
        super().__init__()
        self.arcface = ArcFace(torch.randn(CLASSES, dimensions), 0.2, 32.0)

    def forward(self, embeddings: torch.Tensor, rows: torch.Tensor, ripeness: float) -> torch.Tensor:
        """The loss of a batch."""
        return self.arcface(embeddings, rows, ripeness)


def step_times(
    spec: ModelSpec, batch: int, size: tuple[int, int], steps: int, device: torch.device, **choice: object
) -> dict[str, float]:
    """Milliseconds of one step: ``cpu_ms`` of all threads, ``wall_ms``; ``first_s`` is the wall time of the first step."""
    settings = TrainingSettings(batch=batch, **choice)  # type: ignore[arg-type]
    torch.manual_seed(0)
    net = build(spec).placed(device, channels_last=settings.channels_last).train()
    lesson = Lesson(net, Names(spec.embedding_dim).to(device), settings)
    optimizer = torch.optim.AdamW(lesson.parameters(), lr=1e-5, fused=True)
    images = torch.randint(0, 256, (batch, size[1], size[0], 3), dtype=torch.uint8).permute(0, 3, 1, 2).to(device)
    rows = torch.arange(batch, device=device)

    def one() -> None:
        learn(lesson, optimizer, images, rows, 1.0, settings, ALONE)
        if device.type == "cuda":
            torch.cuda.synchronize()

    began = time.perf_counter()
    one()
    first = time.perf_counter() - began
    cpu, began = time.process_time(), time.perf_counter()
    for _ in range(steps):
        one()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - began
    return {"cpu_ms": round(1e3 * cpu / steps), "wall_ms": round(1e3 * wall / steps), "first_s": round(first, 1)}


def main() -> None:
    """Print one line for each choice."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=thread_count, default=1)
    parser.add_argument("--size", type=int, nargs=2, default=(128, 176), help="width and height of a view, pixels")
    parser.add_argument("--batch-norm", choices=("folded", "trained"), default="folded")
    parser.add_argument("--only", nargs="+", choices=CHOICES, default=list(CHOICES))
    given = parser.parse_args()
    device = set_up_torch(given.threads)
    spec = ModelSpec(backbone=given.backbone, weights="none", batch_norm=given.batch_norm)
    for name in given.only:
        print(
            json.dumps(
                {
                    "choice": name,
                    **step_times(spec, given.batch, tuple(given.size), given.steps, device, **CHOICES[name]),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
