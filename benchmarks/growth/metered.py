"""Commands in processes of their own: seconds of CPU, most memory, and for a refresh both of each step.

Linux only: memory is read, and its peak begun anew, below ``/proc``.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")
SAID = re.compile(r"(started|built|failed|refused) +(\S+)")
BETWEEN = "between steps"
"""The start of the process, observing, planning, and Dagster's own records."""


def ran(words: Sequence[str], environment: Mapping[str, str], fine: Sequence[int] = (0,)) -> dict[str, Any]:
    """Run ``python WORDS``: its seconds, those of CPU, its most memory, and its last line."""
    with tempfile.TemporaryFile("w+") as out:
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, *words], env=environment, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().strip()
    if process.returncode not in fine:
        raise SystemExit(f"{' '.join(words[:3])} failed ({process.returncode}): {said[-1500:]}")
    return {
        "seconds": round(time.perf_counter() - start, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss * 1024 / 1e6),
        "said": said.splitlines()[-1] if said else "",
    }


def files_of(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of writing, in ns, of each file below a folder: what is other than before was written."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path: ((stat := path.stat()).st_size, stat.st_mtime_ns) for path in found}


def bytes_below(folder: Path) -> int:
    """The size of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def refreshed(environment: Mapping[str, str], log: Path) -> dict[str, Any]:
    """``python -m pcr_assets.refresh run``, by its lines: seconds of CPU and most memory of each step, and of all between them.

    A step includes its children's CPU; its checks come between steps. Ends this program when it fails;
    what it said is in ``log``.
    """
    command = [sys.executable, "-m", "pcr_assets.refresh", "run"]
    begun = time.perf_counter()
    with log.open("w") as errors:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
    steps: dict[str, dict[str, float]] = {}
    where, before = BETWEEN, 0.0
    for line, spent, peak in _looks(process, log):
        step = steps.setdefault(where, {"cpu_seconds": 0.0, "peak_mb": 0})
        step["cpu_seconds"] = round(step["cpu_seconds"] + spent - before, 2)
        step["peak_mb"] = max(step["peak_mb"], peak)
        before = spent
        if found := SAID.match(line):
            where = found[2] if found[1] == "started" else BETWEEN
    if process.returncode:
        raise SystemExit(f"the refresh failed ({process.returncode}): {log.read_text()[-1500:]}")
    return {
        "seconds": round(time.perf_counter() - begun, 1),
        "cpu_seconds": round(before, 1),
        "peak_mb": max(step["peak_mb"] for step in steps.values()),
        "steps": steps,
    }


def _looks(process: "subprocess.Popen[str]", log: Path) -> Iterator[tuple[str, float, int]]:
    """Each line that it says, with the CPU that it has taken by then, and its most memory (MB) since the line before."""
    assert process.stdout is not None
    spent, peak = 0.0, 0
    with log.open("a") as kept:
        for line in process.stdout:
            kept.write(line)
            kept.flush()
            spent, peak = _cpu(process.pid), _peak(process.pid)
            yield line, spent, peak
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    yield "", used.ru_utime + used.ru_stime, peak


def _cpu(pid: int) -> float:
    """Seconds of a process and of those of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def _peak(pid: int) -> int:
    """The most that was resident since the last call, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return round(int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024 / 1e6)  # type: ignore[index]
