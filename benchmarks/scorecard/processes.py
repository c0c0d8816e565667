"""Processes of their own, timed from start to end."""

import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence


def seconds(words: Sequence[str], environment: Mapping[str, str], turns: int, also_fine: Sequence[int] = ()) -> float:
    """The median wall clock of ``python WORDS``. Ends this program for an exit code that is neither 0 nor ``also_fine``."""
    spent = []
    for _ in range(turns):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, check=False)
        spent.append(time.perf_counter() - start)
        if done.returncode not in (0, *also_fine):
            raise SystemExit(f"{' '.join(words[:3])} failed: {done.stderr.strip()[-400:]}")
    return statistics.median(spent)
