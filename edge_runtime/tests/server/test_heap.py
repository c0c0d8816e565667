"""A service holds what it needs where the C library can see to it, and nowhere else is that a fault."""

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


HEAPS = """
import ctypes, sys, threading
from edge_runtime.server.heap import share_one

if sys.argv[1] == "shared":
    assert share_one()
together = threading.Barrier(4)

def work():
    together.wait()
    held.append(bytes(60_000))
    together.wait()

held = []
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w")))
libc.fflush(None)
"""

on_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc does this on demand")


@on_glibc
def test_threads_share_one_heap():
    heaps = {}
    for kind in ("own", "shared"):
        run = subprocess.run([sys.executable, "-c", HEAPS, kind], capture_output=True, text=True, check=True)
        heaps[kind] = run.stdout.count("<heap nr=")
    assert heaps["own"] > heaps["shared"] == 1


@on_glibc
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
    monkeypatch.setattr(heap, "_TRIM", heap._of_glibc("malloc_trim"))
    monkeypatch.setattr(heap, "_MALLOPT", heap._of_glibc("mallopt"))
    assert heap.give_back() is False
    assert heap.share_one() is False
