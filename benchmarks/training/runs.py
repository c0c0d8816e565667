"""One training, run and timed, and several side by side."""

import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, TypeVar

from pcr_assets.compute.said import KEPT_LINES, failure
from pcr_assets.resources import bound

Found = TypeVar("Found")


def run(module: str, job: Mapping[str, Any], out: Path, threads: int) -> dict[str, float]:
    """Run ``python -m module`` on a job, its lines and their seconds into ``out/log.txt``.

    Gives its ``wall_s`` and the ``images_per_second`` that it said last. Raises SystemExit with what a program that failed said.
    """
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{module.rpartition('.')[2]}.json"
    file.write_text(json.dumps({**job, "out": str(out), "threads": threads}, indent=1))
    start, rate = time.perf_counter(), 0.0
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    with (out / "log.txt").open("a") as log, bound.begun(module, [str(file)], threads) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            log.write(f"{time.perf_counter() - start:7.1f} {line}")
            log.flush()
            if found := re.search(r"(\d+) images/s", line):
                rate = float(found[1])
    if process.returncode:
        raise SystemExit(failure(out.name, process.returncode, lines))
    return {"wall_s": round(time.perf_counter() - start, 1), "images_per_second": rate}


def side_by_side(
    tasks: Mapping[str, Callable[[], Found]],
    at_once: int,
    done: Callable[[str, Found], None],
    after: Mapping[str, str] | None = None,
) -> None:
    """Run tasks, so many at once, each after the one that it goes on with; ``done`` is told of each, one at a time, as it ends.

    A task that fails stops those that go on with it, and no other: its error is raised at the end.
    """
    after, waiting, running = after or {}, dict(tasks), dict[Future[Found], str]()
    errors: list[BaseException] = []
    with ThreadPoolExecutor(at_once) as pool:
        while waiting or running:
            unfinished = {*waiting, *running.values()}
            for name in [name for name in waiting if after.get(name) not in unfinished][: at_once - len(running)]:
                running[pool.submit(waiting.pop(name))] = name
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(ended)
                if error := ended.exception():
                    errors.append(error)
                    waiting = {other: task for other, task in waiting.items() if not _goes_on_with(name, other, after)}
                else:
                    done(name, ended.result())
    for error in errors:
        raise error


def _goes_on_with(first: str, name: str | None, after: Mapping[str, str]) -> bool:
    while name := after.get(name or ""):
        if name == first:
            return True
    return False
