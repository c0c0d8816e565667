"""What a frame took is given back to the system where the C library can, and nowhere else is that a fault."""

import ctypes
import platform
import subprocess
import sys

import pytest

from edge_runtime.server import heap

HOLDS = """
from pathlib import Path
from edge_runtime.server.heap import give_back

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

held = [bytes(60_000) for _ in range(2000)]   # below the size from which glibc maps memory by itself
kept = [held.pop(), bytes(60_000)]            # the last ones stay, so that the heap can't shrink from its end
full = resident()
del held
before = resident()
assert give_back()
print(full, before, resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives back on demand")
def test_freed_memory_goes_back_to_the_system():
    run = subprocess.run([sys.executable, "-c", HOLDS], capture_output=True, text=True, check=True)
    full, before, after = map(int, run.stdout.split())
    assert before > 0.9 * full, "glibc keeps what was freed"
    assert full - after > 80_000_000


def test_without_glibc_nothing_happens(monkeypatch):
    class NoLibrary:
        def __init__(self, name):
            raise OSError("no such library")

    monkeypatch.setattr(ctypes, "CDLL", NoLibrary)
    monkeypatch.setattr(heap, "_TRIM", heap._trim())
    assert heap.give_back() is False
