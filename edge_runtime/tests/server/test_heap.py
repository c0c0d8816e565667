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

APART = """
import ctypes
from edge_runtime.server.heap import apart

class Info(ctypes.Structure):  # struct mallinfo2 of malloc.h
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd a b c d e".split()]

asked = ctypes.CDLL(None).mallinfo2
asked.restype = Info

def mapped():
    before = asked().hblks
    array = bytes(1 << 20)
    return asked().hblks - before

with apart():
    within = mapped()
print(within, mapped())
"""

CODE = """
import re
from pathlib import Path

import numpy as np

from edge_runtime.server.heap import let_go_of_code

def libraries():
    mappings = re.split(r"\\n(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text())
    found = [each for each in mappings if "numpy" in each.split("\\n")[0]]
    sizes = [[int(re.search(rf"\\n{name}: +(\\d+)", each)[1]) for each in found] for name in ("Rss", "Anonymous")]
    return map(sum, sizes)

product = np.arange(9.0).reshape(3, 3) @ np.ones((3, 3))
held, own = libraries()
given = let_go_of_code()
left, still_own = libraries()
assert (product == np.arange(9.0).reshape(3, 3) @ np.ones((3, 3))).all()
print(held, own, given // 1024, left, still_own)
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


@on_glibc
def test_while_a_release_is_opened_large_arrays_lie_apart_from_the_heap():
    run = subprocess.run([sys.executable, "-c", APART], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["1", "0"]


@on_glibc
def test_code_that_only_the_start_needed_is_let_go_and_what_the_loader_wrote_stays():
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    held, own, given, left, still_own = map(int, run.stdout.split())
    assert given > 0
    assert left < held, "kB of numpy's libraries"
    assert own == still_own > 0


SMAPS = """7f0000000000-7f0000004000 r-xp 00000000 08:01 11 /usr/lib/one.so
Size:                 16 kB
Rss:                  12 kB
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd ex mr mw me
7f0000004000-7f0000005000 r--p 00004000 08:01 11 /usr/lib/relocated.so
Rss:                   4 kB
Anonymous:             4 kB
Swap:                  0 kB
7f0000005000-7f0000006000 r--p 00004000 08:01 11 /usr/lib/relocated and swapped out.so
Rss:                   4 kB
Anonymous:             0 kB
Swap:                  4 kB
7f0000006000-7f0000007000 rw-p 00004000 08:01 11 /usr/lib/written.so
Rss:                   4 kB
Anonymous:             0 kB
Swap:                  0 kB
7f0000007000-7f0000008000 r--s 00000000 08:01 12 /releases/index.usearch
Rss:                   4 kB
Anonymous:             0 kB
Swap:                  0 kB
7f0000008000-7f0000009000 r--p 00000000 00:05 13 /dev/video0
Rss:                   4 kB
Anonymous:             0 kB
Swap:                  0 kB
7f0000009000-7f000000a000 r-xp 00000000 00:00 0 [vdso]
Rss:                   4 kB
Anonymous:             0 kB
Swap:                  0 kB
7f000000a000-7f000000b000 r--p 00000000 08:01 14 /usr/lib/of an older kernel.so
Rss:                   4 kB
"""


def test_only_what_stands_in_a_file_as_it_is_in_memory_is_let_go(monkeypatch):
    monkeypatch.setattr(heap.Path, "read_text", lambda *_, **__: SMAPS)
    assert list(heap._as_in_files()) == [(0x7F0000000000, 0x7F0000004000, 12 << 10)]


def test_without_glibc_nothing_happens(monkeypatch):
    class NoLibrary:
        def __init__(self, name):
            raise OSError("no such library")

    monkeypatch.setattr(ctypes, "CDLL", NoLibrary)
    monkeypatch.setattr(heap, "_TRIM", heap._of_glibc("malloc_trim"))
    monkeypatch.setattr(heap, "_MALLOPT", heap._of_glibc("mallopt"))
    assert heap.give_back() is False
    monkeypatch.setattr(heap, "_MADVISE", heap._of_glibc("madvise"))
    assert heap.share_one() is False
    assert heap.let_go_of_code() == 0
    with heap.apart():
        pass
