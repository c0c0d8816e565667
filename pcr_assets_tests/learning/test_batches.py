"""Batches come in order and are the same, whoever makes them; how many processes a GPU is given."""

import os
import shutil
import threading
from collections import namedtuple

import numpy as np
import pytest
import torch

from pcr_assets.learning.batches import (
    as_batch,
    batches,
    by_processes,
    by_threads,
    processes_for,
    short_of_memory,
)


def test_batches_come_in_order_whichever_thread_was_faster():
    late = threading.Event()

    def view(step, slot):
        if step == 0:
            late.wait(5)
        elif step == 1:
            late.set()
        return np.full((2, 3, 3), 10 * step + slot, np.uint8)

    found = [batch[:, 0, 0, 0].tolist() for batch in batches(view, range(4), 2, workers=4)]
    assert found == [[0, 1], [10, 11], [20, 21], [30, 31]]


def noise(step, slot):
    return np.random.default_rng([step, slot]).integers(0, 256, (6, 4, 3), np.uint8)


def test_processes_make_the_batches_that_threads_make():
    steps = range(3, 8)
    made = list(by_processes(noise, steps, 4, count=2))
    assert all(torch.equal(a, b) for a, b in zip(made, by_threads(noise, steps, 4, 2), strict=True))
    assert all(batch.is_contiguous(memory_format=torch.channels_last) for batch in made)


def test_what_goes_wrong_in_a_process_is_told_here():
    def view(step, slot):
        raise ValueError("the picture of base1-4 does not decode")

    with pytest.raises(ValueError, match="base1-4 does not decode"):
        next(by_processes(view, range(2), 2, count=1))


Room = namedtuple("Room", "free")


@pytest.fixture
def gpu_machine(monkeypatch):
    """Sixteen cores, a GPU, and so many megabytes of shared memory."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    return lambda megabytes: monkeypatch.setattr(shutil, "disk_usage", lambda _: Room(megabytes * 2**20))


def test_a_gpu_is_fed_by_all_cores_but_one(gpu_machine):
    gpu_machine(64_000)
    assert processes_for(128) == 15
    assert short_of_memory(128) is None


def test_gpus_share_the_cores(gpu_machine, monkeypatch):
    gpu_machine(64_000)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert processes_for(128) == 3


def test_little_shared_memory_makes_few_processes_and_none_leaves_it_to_threads(gpu_machine):
    gpu_machine(256)
    assert processes_for(128) == 3
    gpu_machine(64)
    assert processes_for(128) == 0
    assert "0 of 15 processes" in short_of_memory(128)
    assert "--shm-size" in short_of_memory(128)


def test_a_batch_is_channels_last_bytes():
    batch = as_batch([np.zeros((4, 3, 3), np.uint8)] * 2)
    assert batch.shape == (2, 3, 4, 3)
    assert batch.is_contiguous(memory_format=torch.channels_last)
