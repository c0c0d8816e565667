"""The device that a program of ``learning`` works on, set up so that the same job gives the same numbers again."""

import os

import cv2
import torch

from pcr_assets.learning.memory import keep_memory
from pcr_assets.learning.together import ALONE, Team


def set_up_torch(threads: int, team: Team = ALONE) -> torch.device:
    """The device of this process. Torch then sums in the same order each time, on so many threads."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)  # views are made by workers of ours
    # Without it cuBLAS sums in an order of its own each time.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    # All that is read was written before, so nothing need be filled: a tenth of a step's time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # torch makes it a property
    torch.set_flush_denormal(True)  # a fresh network is full of denormals, a hundred times slower on a CPU
    if torch.cuda.is_available():
        return torch.device("cuda", team.local)
    keep_memory()
    return torch.device("cpu")
