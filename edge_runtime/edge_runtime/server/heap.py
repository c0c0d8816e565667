"""Give back to the system what a frame's arrays took: a service that shares a small board holds what it needs, not its peaks."""

import ctypes
from collections.abc import Callable


def _trim() -> Callable[[int], int] | None:
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # no glibc
        return None
    return found


_TRIM = _trim()


def give_back() -> bool:
    """Let glibc return the free pages of its heaps, which it keeps for later (man 3 malloc_trim); False where there is no glibc.

    What it costs and gives back is measured by benchmarks/edge.py and told in docs/operations.md.
    """
    if _TRIM is None:
        return False
    _TRIM(0)
    return True
