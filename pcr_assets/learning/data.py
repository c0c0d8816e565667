"""The cards a model learns from, and the views of them that a training step sees.

A view is a function of (seed, step, slot) and nothing else: a run that was killed sees the same pictures when it goes
on, whatever the number of workers, threads or processes.
"""

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from edge_runtime.geometry import full_frame, rectify
from pcr_assets.cards.reader import CardImages

Image = np.ndarray
Size = tuple[int, int]


@dataclass(frozen=True)
class Cards:
    """Scans by row number: whose they are, and the picture.

    ``classes`` numbers what can't be told apart: the scans of one card, and cards whose scans are the same pixels.
    """

    card_ids: Sequence[str]
    art_groups: Sequence[str]
    classes: np.ndarray
    image: Callable[[int], Image]

    def __len__(self) -> int:
        return len(self.card_ids)

    def joined(self, others: "Cards", most: int) -> "Cards":
        """These cards and an even sample of at most so many others. Classes are numbered on: splits share none."""
        picked = np.linspace(0, len(others) - 1, min(most, len(others))).astype(int)
        own = len(self)
        return Cards(
            card_ids=[*self.card_ids, *(others.card_ids[i] for i in picked)],
            art_groups=[*self.art_groups, *(others.art_groups[i] for i in picked)],
            classes=np.concatenate([self.classes, others.classes[picked] + self.classes.max(initial=-1) + 1]),
            image=lambda index: self.image(index) if index < own else others.image(int(picked[index - own])),
        )


def read_cards(snapshot: Path, shards: Sequence[Path], split: str) -> Cards:
    """The scans of one split (``train``, ``validation`` or ``test``) of a training snapshot, in the snapshot's order.

    The snapshot is a Parquet file with the columns card_id, view, art_group, pixel_digest and split; ``shards`` are the
    processed cards that hold the pictures.
    """
    rows = pq.read_table(snapshot, filters=[("split", "=", split)]).to_pylist()
    images = CardImages(shards)
    places = [images.row(row["card_id"], row["view"]) for row in rows]
    return Cards(
        card_ids=[row["card_id"] for row in rows],
        art_groups=[row["art_group"] for row in rows],
        classes=indistinguishable([row["card_id"] for row in rows], [row["pixel_digest"] for row in rows]),
        image=lambda index: images.image(places[index]),
    )


def indistinguishable(card_ids: Sequence[str], pixel_digests: Sequence[str]) -> np.ndarray:
    """Class numbers, int64 N: rows that share a card id or a picture, directly or through others, share a class."""
    parents: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node: tuple[str, str]) -> tuple[str, str]:
        while (parent := parents.setdefault(node, node)) != node:
            node = parent
        return node

    for card_id, digest in zip(card_ids, pixel_digests, strict=True):
        parents[root(("pixels", digest))] = root(("card", card_id))
    numbers: dict[tuple[str, str], int] = {}
    return np.array([numbers.setdefault(root(("card", card_id)), len(numbers)) for card_id in card_ids], dtype=np.int64)


def clean_view(card: Image, size: Size) -> Image:
    """The scan as the gallery sees it: rectified to ``size``, nothing else."""
    return rectify(card, full_frame(card.shape[1], card.shape[0]), size)


def as_batch(images: Iterable[Image]) -> Tensor:
    """Images uint8 H×W×3 of one size as a uint8 tensor N×3×H×W in channels-last memory, the fast layout on a CPU."""
    return torch.from_numpy(np.stack(list(images))).permute(0, 3, 1, 2)


def shuffled(count: int, seed: int, position: int) -> int:
    """The row at a position of an endless sequence that passes over ``count`` rows in a new order each time."""
    epoch, place = divmod(position, count)
    return int(_order(count, seed, epoch)[place])


@lru_cache(maxsize=4)
def _order(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(count)


def batches(
    view: Callable[[int, int], Image], steps: range, batch: int, *, workers: int = 2, ahead: int = 3
) -> Iterator[Tensor]:
    """For each step the batch of its views, ``view(step, slot)``, made some batches ahead of their use.

    Threads make them, ``workers`` of them; where a GPU waits for them, as many processes as :func:`processes_for` says:
    half of a view's time is Python's, which threads take in turns.
    """
    if count := min(processes_for(batch), len(steps)):
        return by_processes(view, steps, batch, count)
    return by_threads(view, steps, batch, workers, ahead)


def by_threads(
    view: Callable[[int, int], Image], steps: range, batch: int, workers: int, ahead: int
) -> Iterator[Tensor]:
    """The batches of :func:`batches`, view by view."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[list[Future[Image]]] = deque()
        for step in steps:
            waiting.append([pool.submit(view, step, slot) for slot in range(batch)])
            if len(waiting) > ahead:
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


SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # only its free space is asked for
MOST_VIEW_BYTES = 256 * 256 * 3


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
