"""Hold what is needed, not what was needed at most: a service shares a small board. Through glibc; elsewhere nothing happens.

What it costs and gives back is measured by benchmarks/edge.py and told in docs/operations.md.
"""

import ctypes
import mmap
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ARENA_MAX, MMAP_THRESHOLD, TRIM_THRESHOLD = -8, -3, -1
"""M_ARENA_MAX and so on of ``malloc.h``."""
APART, TOGETHER = 128 << 10, 32 << 20
"""Bytes from which memory is mapped apart from the heap: where glibc begins, and the most to which it raises that by itself."""
MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+ +(/.*)")
"""The first line of a mapping of a file: from where to where, what is allowed, the file (proc_pid_smaps(5))."""


def _of_glibc(name: str) -> Callable[..., Any] | None:
    try:
        found: Callable[..., Any] = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):  # no glibc
        return None
    return found


_TRIM, _MALLOPT, _MADVISE = _of_glibc("malloc_trim"), _of_glibc("mallopt"), _of_glibc("madvise")


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


@contextmanager
def apart() -> Iterator[None]:
    """Map large arrays apart from the heap for a while: what lasts, and what is freed soon, then leaves no holes between what
    other threads allocate meanwhile. Mapping each costs more time, so otherwise the heap takes them.
    """
    if _MALLOPT is None:
        yield
        return
    _MALLOPT(TRIM_THRESHOLD, TOGETHER)  # glibc moves this one with the other, until one of them was set
    _MALLOPT(MMAP_THRESHOLD, APART)
    try:
        yield
    finally:
        _MALLOPT(MMAP_THRESHOLD, TOGETHER)


def let_go_of_code() -> int:
    """Let go of the pages of programs and libraries that are as they stand in their files: most were needed to start and never
    again. Whoever needs one gets it from the system's cache once more. Gives their bytes; 0 where none can be let go.
    """
    if _MADVISE is None or not hasattr(mmap, "MADV_DONTNEED"):
        return 0
    given = 0
    for start, end, size in _as_in_files():
        if _MADVISE(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED) == 0:
            given += size
    return given


def settle() -> None:
    """Hold no more of what opening something needed than what using it needs: between two things that are opened, the most that is
    held at once is less by that."""
    give_back()
    let_go_of_code()


def _as_in_files() -> Iterator[tuple[int, int, int]]:
    """The mappings of files that can't be written and weren't before they were locked: from where to where, bytes in memory.

    What the loader wrote and locked (addresses, mostly) lies in no file: a mapping with one such page, swapped out or not, is left
    out, as is one of a device.
    """
    try:
        text = Path("/proc/self/smaps").read_text(errors="replace")
    except OSError:
        return
    for mapping in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", text):
        if not (head := MAPPING.match(mapping)) or head[3] not in ("r-xp", "r--p") or head[4].startswith("/dev/"):
            continue
        sizes = {name: int(kilobytes) << 10 for name, kilobytes in re.findall(r"\n(\w+): +(\d+) kB", mapping)}
        if sizes.get("Anonymous") == 0 and sizes.get("Swap") == 0 and sizes["Rss"]:
            yield int(head[1], 16), int(head[2], 16), sizes["Rss"]
