"""Freed memory that is kept, in processes of their own: what is asked of glibc holds for all of a process."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
from pcr_assets.learning.memory import keep_memory

if sys.argv[1] == "kept":
    assert keep_memory()
for _ in range(20):
    b"x" * (32 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def page_faults(how):
    ran = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
    return int(ran.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the memory of this system is not glibc's")
def test_arrays_that_are_made_again_and_again_are_mapped_once():
    assert page_faults("kept") < page_faults("given back") / 3
