"""Parts of a benchmark in processes of their own: timed from start to end, or asked for what they measured."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = str(Path(__file__).parents[1])


def seconds(words: Sequence[str], environment: Mapping[str, str], turns: int, also_fine: Sequence[int] = ()) -> float:
    """The median wall clock of ``python WORDS``. Ends this program for an exit code that is neither 0 nor ``also_fine``."""
    spent = []
    for _ in range(turns):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, check=False)
        spent.append(time.perf_counter() - start)
        if done.returncode not in (0, *also_fine):
            said = done.stderr.strip() or done.stdout.strip()
            raise SystemExit(f"{' '.join(words[:3])} failed with exit code {done.returncode}: {said[-400:]}")
    return statistics.median(spent)


def answer_of(*words: str) -> dict[str, Any]:
    """What ``python WORDS`` says on its last line, as JSON; it can import what a benchmark can. Where it fails, what it says of
    that is shown and this program ends too."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([HERE, os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, *words], env=environment, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.returncode)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
