"""The batches of views that a training step sees, made ahead of their use.

A view is a function of (seed, step, slot) and nothing else: a run that was killed sees the same pictures when it goes
on, whatever the number of workers, threads or processes.
"""

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pcr_assets.learning.data import Image

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # only its free space is asked for
MOST_VIEW_BYTES = 256 * 256 * 3
BATCH = 32
"""Views that are embedded at once."""
AHEAD = 3
"""Batches that threads make ahead of their use."""


def batches(view: Callable[[int, int], Image], steps: range, batch: int, *, workers: int = 2) -> Iterator[Tensor]:
    """For each step the batch of its views, ``view(step, slot)``, made some batches ahead of their use.

    Threads make them, ``workers`` of them; where a GPU waits for them, as many processes as :func:`processes_for` says:
    half of a view's time is Python's, which threads take in turns.
    """
    if count := min(processes_for(batch), len(steps)):
        return by_processes(view, steps, batch, count)
    return by_threads(view, steps, batch, workers)


def of_all(view: Callable[[int], Image], count: int) -> Iterator[Tensor]:
    """The views 0..count-1 in batches of :data:`BATCH`: the last one is filled up with the last view."""
    steps = range((count + BATCH - 1) // BATCH)
    return batches(lambda step, slot: view(min(step * BATCH + slot, count - 1)), steps, BATCH)


def by_threads(view: Callable[[int, int], Image], steps: range, batch: int, workers: int) -> Iterator[Tensor]:
    """The batches of :func:`batches`, view by view."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[list[Future[Image]]] = deque()
        for step in steps:
            waiting.append([pool.submit(view, step, slot) for slot in range(batch)])
            if len(waiting) > AHEAD:
                yield as_batch(future.result() for future in waiting.popleft())
        while waiting:
            yield as_batch(future.result() for future in waiting.popleft())


def by_processes(view: Callable[[int, int], Image], steps: range, batch: int, count: int) -> Iterator[Tensor]:
    """The batches of :func:`batches`, a whole one by each process."""
    # Forked: a view is a closure over cards that all processes read, and none of them touches the GPU.
    yield from DataLoader(
        _Batches(view, steps, batch), batch_size=None, num_workers=count, multiprocessing_context="fork"
    )


class _Batches(Dataset[Tensor]):
    """The batches of some steps, by their place among them."""

    def __init__(self, view: Callable[[int, int], Image], steps: range, batch: int):
        self.view, self.steps, self.batch = view, steps, batch

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, at: int) -> Tensor:
        return as_batch(self.view(self.steps[at], slot) for slot in range(self.batch))


def processes_for(batch: int) -> int:
    """How many processes make batches of this size for one GPU: its share of the cores but one. Without a GPU none.

    Batches come through shared memory, two of each process at a time. Where a container has little of it (Docker gives 64 MB
    unless it is told ``--shm-size``) there are fewer of them.
    """
    return min(_wanted(), _fit(batch)) if torch.cuda.is_available() else 0


def short_of_memory(batch: int) -> str | None:
    """What to do where shared memory allows fewer processes than the cores would."""
    if not torch.cuda.is_available() or (count := processes_for(batch)) == _wanted():
        return None
    return (
        f"{count} of {_wanted()} processes make views, as {SHARED_MEMORY} has too little room for more: give the container more "
        "of it (docker run --shm-size 4g), or the GPU will wait"
    )


def _wanted() -> int:
    return max(1, len(os.sched_getaffinity(0)) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")) - 1)


def _fit(batch: int) -> int:
    return shutil.disk_usage(SHARED_MEMORY).free // (3 * batch * MOST_VIEW_BYTES) if SHARED_MEMORY.is_dir() else 0


def as_batch(images: Iterable[Image]) -> Tensor:
    """Images uint8 H×W×3 of one size as a uint8 tensor N×3×H×W in channels-last memory, the fast layout on a CPU."""
    return torch.from_numpy(np.stack(list(images))).permute(0, 3, 1, 2)
