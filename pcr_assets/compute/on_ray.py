"""A training as a program on nodes of a Ray cluster: the same program on the same job, which needs no store there.

The files that the job names travel to the nodes, and what the program writes travels back while it runs, checkpoints too. When
a node dies, others go on from the last checkpoint that arrived. On several nodes, or in several processes on one, the program
shares its work as it does under torchrun (:mod:`pcr_assets.learning.together`).
"""

import time
from collections import defaultdict, deque
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pcr_assets import digests
from pcr_assets.compute.job_files import files_of
from pcr_assets.compute.launcher import JobFailed, Ran
from pcr_assets.compute.ray_bench import Bench
from pcr_assets.compute.ray_files import listed, mirror, packed
from pcr_assets.compute.ray_nodes import benches
from pcr_assets.compute.said import KEPT_LINES, failure
from pcr_assets.compute.settings import Ray
from pcr_assets.learning.meeting import PARTED, Share
from pcr_assets.resources.engine import EngineError
from pcr_assets.resources.ray_cluster import Watch, connected, makeup

TRIES = 4
"""How often a training is begun whose nodes die, before it is given up."""
GRACE_SECONDS = 60.0
"""How long after a process lost another one it is awaited that this one fails, or that Ray misses its node (half a minute)."""


class Lost(Exception):
    """Processes that trained together lost each other, and none of them says why."""


class RayCompute:
    """Runs programs on nodes of the cluster. ``threads`` are those of each process; ``alone`` are programs of one process."""

    def __init__(self, threads: int = 2, settings: Ray | None = None, alone: Collection[str] = ()):
        self.threads, self.settings, self.alone = threads, settings or Ray(), alone

    def run(self, module: str, job: Mapping[str, Any], workdir: Path) -> Ran:
        """See :meth:`pcr_assets.compute.launcher.Launcher.run`; the leader's node is what it ran on. Raises EngineError besides."""
        one = {"nodes": 1, "processes": 1} if module in self.alone else {}
        asked = self.settings.model_copy(update=one)
        ray = connected()
        given = {str(path): packed(ray.put, _name(path), path) for path in files_of(job)}
        for _ in range(TRIES):
            kept = [name for name in listed(workdir) if name != "job.json"]  # checkpoints of a start before
            there = [packed(ray.put, name, workdir / name) for name in kept]
            with benches(ray, Bench, asked, self.threads) as nodes:
                try:
                    begin = partial(_begun, ray, nodes, asked, module, {**job, "threads": self.threads})
                    ran = begin(given, there)
                    _followed(ray, nodes, module, workdir, set(kept), asked.nodes * asked.processes)
                except ray.exceptions.RayTaskError as error:
                    raise EngineError(f"{module} could not be run on its node: {error.cause!r}") from error
                except ray.exceptions.RayError:
                    died, on = ("its node", "another goes") if asked.nodes == 1 else ("one of its nodes", "others go")
                    print(f"{module}: {died} died; {on} on from the last checkpoint", flush=True)
                except Lost:
                    print(f"{module}: its processes lost each other; it goes on from the last checkpoint", flush=True)
                else:
                    return Ran(ran)
        raise JobFailed(f"{module} lost nodes {TRIES} times: look after their memory, network and logs, then run again")


def _name(path: Path) -> str:
    """A name for a file among others, by its path, under its own ending: readers go by that."""
    return f"{digests.of_bytes(str(path).encode())[:16]}/{path.name}"


def _begun(
    ray: Any, nodes: list[Any], asked: Ray, module: str, job: dict[str, Any], given: dict[str, Any], there: list[Any]
) -> dict[str, Any]:
    """Start the program on all nodes; gives what the leader's is. What lies there already goes to the leader alone.

    Raises EngineError where one refuses.
    """
    size, here = asked.nodes * asked.processes, asked.processes
    place = ray.get(nodes[0].meeting.remote()) if size > 1 else ""
    answers = ray.get(
        [
            node.start.remote(module, job, given, [] if at else there, makeup(), Share(at * here, here, size, place))
            for at, node in enumerate(nodes)
        ]
    )
    for answer in answers:
        if isinstance(answer, str):
            raise EngineError(answer)
    return {**answers[0], **({"nodes": asked.nodes, "processes": size} if size > 1 else {})}


def _followed(ray: Any, nodes: list[Any], module: str, workdir: Path, had: set[str], size: int) -> None:
    """Print what all ``size`` processes say and keep what the leader writes, until all ended. ``had``: what lies there.

    Raises JobFailed when one fails, with its own sentence; Lost when they only lost each other.
    """
    lines: dict[int, deque[str]] = defaultdict(partial(deque, maxlen=KEPT_LINES))
    codes: dict[int, int] = {}
    asked = {node.news.remote(): node for node in nodes}
    last: float | None = None
    watch = Watch(ray)
    while len(codes) < size:
        answered = watch.first_of(list(asked))[0]
        node = asked.pop(answered)
        news = ray.get(answered)
        if len(news.codes) < size // len(nodes):  # one whose part is done may go: the leader still judges the model
            asked[node.news.remote()] = node
        for rank, line in news.lines:
            print(line, flush=True)
            lines[rank].append(line)
        if news.names is not None:
            mirror(workdir, news.names, news.parcels, ray.get, had)
            had = set(news.names)
        codes |= news.codes
        for rank, code in news.codes.items():
            if code not in (0, PARTED):
                raise JobFailed(failure(module, code, lines[rank]))
        if PARTED in codes.values():
            last = last or time.monotonic() + GRACE_SECONDS
            if time.monotonic() > last:
                break
    if PARTED in codes.values():
        raise Lost
