"""Memory of a training on a CPU. Through glibc (man 3 mallopt); elsewhere nothing happens."""

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
"""M_TRIM_THRESHOLD and so on of ``malloc.h``."""
NEVER = 2**31 - 1
AT_ONCE = 64 << 20
"""Bytes that are asked for beyond what is needed, whenever the heap grows."""


def keep_memory() -> bool:
    """Let this process keep the memory that it frees, for its next arrays; False without glibc.

    glibc maps each large array anew and gives it back at once. So a step of training, which makes and frees the same arrays as the
    one before, has the kernel clear half a gigabyte of pages. What that costs on two cores is in docs/training.md.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    asked = [(MMAP_MAX, 0), (TRIM_THRESHOLD, NEVER), (TOP_PAD, AT_ONCE)]
    return all(mallopt(option, value) == 1 for option, value in asked)
