"""Hold what is needed, not what was needed at most: a service shares a small board. Through glibc; elsewhere nothing happens.

What it costs and gives back is measured by benchmarks/edge.py and told in docs/operations.md.
"""

import ctypes
from collections.abc import Callable
from typing import Any

ARENA_MAX = -8
"""M_ARENA_MAX of ``malloc.h``."""


def _of_glibc(name: str) -> Callable[..., Any] | None:
    try:
        found: Callable[..., Any] = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):  # no glibc
        return None
    return found


_TRIM, _MALLOPT = _of_glibc("malloc_trim"), _of_glibc("mallopt")


def give_back() -> bool:
    """Return the free pages of the heaps to the system, which glibc keeps for later (man 3 malloc_trim); False without glibc."""
    if _TRIM is None:
        return False
    _TRIM(0)
    return True


def share_one() -> bool:
    """Let all threads take memory from one heap: each has its own by default, with free pages that no other uses.

    For threads that begin afterwards (man 3 mallopt). False without glibc.
    """
    return _MALLOPT is not None and _MALLOPT(ARENA_MAX, 1) == 1
