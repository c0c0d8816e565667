"""A training as a program on one node of a Ray cluster: the same program on the same job, which needs no store there.

The files that the job names travel to the node, and what the program writes travels back while it runs, checkpoints too. When
the node dies, another goes on from the last checkpoint that arrived.
"""

import contextlib
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from pcr_assets import digests
from pcr_assets.compute.engine import JobFailed, Ran
from pcr_assets.compute.job_files import files_of
from pcr_assets.compute.ray_bench import Bench
from pcr_assets.compute.ray_files import listed, mirror, packed
from pcr_assets.compute.said import KEPT_LINES, failure
from pcr_assets.resources.engine import EngineError
from pcr_assets.resources.ray_cluster import connected, largest, makeup

NODES = 4
"""Nodes that may die under one training before it is given up."""
CLOSE_SECONDS = 30
"""How long a node is given to end its program and remove its scratch folder."""


class RayCompute(dg.ConfigurableResource):
    """Runs programs on a node of the cluster, with a fixed number of threads, and a GPU where any node has one."""

    threads: int = 2

    def run(self, module: str, job: Mapping[str, Any], workdir: Path) -> Ran:
        """See :meth:`pcr_assets.compute.engine.Engine.run`; the node's hardware is what it ran on. Raises EngineError besides."""
        ray = connected()
        given = {str(path): packed(ray.put, _name(path), path) for path in files_of(job)}
        needs = {"num_cpus": min(self.threads, largest(ray, "CPU")), "num_gpus": min(1, largest(ray, "GPU"))}
        for _ in range(NODES):
            kept = [name for name in listed(workdir) if name != "job.json"]  # checkpoints of a start before
            there = [packed(ray.put, name, workdir / name) for name in kept]
            bench = ray.remote(Bench).options(**needs).remote()
            try:
                ran = ray.get(bench.start.remote(module, {**job, "threads": self.threads}, given, there, makeup()))
                if isinstance(ran, str):
                    raise EngineError(ran)
                _followed(ray, bench, module, workdir, set(kept))
            except ray.exceptions.RayTaskError as error:
                raise EngineError(f"{module} could not be run on its node: {error.cause!r}") from error
            except ray.exceptions.RayError:
                print(f"{module}: its node died; another goes on from the last checkpoint", flush=True)
            else:
                return Ran(ran)
            finally:
                with contextlib.suppress(ray.exceptions.RayError):
                    ray.get(bench.close.remote(), timeout=CLOSE_SECONDS)
                ray.kill(bench)
        raise JobFailed(f"{module} lost {NODES} nodes: look after their memory and logs, then run again")


def _name(path: Path) -> str:
    """A name for a file among others, by its path, under its own ending: readers go by that."""
    return f"{digests.of_bytes(str(path).encode())[:16]}/{path.name}"


def _followed(ray: Any, bench: Any, module: str, workdir: Path, had: set[str]) -> None:
    """Print what the program says and keep what it writes, until it ends. ``had``: what lies there. Raises JobFailed."""
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    while True:
        said, names, parcels, code = ray.get(bench.news.remote())
        for line in said:
            print(line, flush=True)
            lines.append(line)
        if names is not None:
            mirror(workdir, names, parcels, ray.get, had)
            had = set(names)
        if code is None:
            continue
        if code != 0:
            raise JobFailed(failure(module, code, lines))
        return
