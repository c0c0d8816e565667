"""Nodes of a Ray cluster for one training: as many as are asked for, each another machine, or one sentence about what lacks."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pcr_assets.compute.settings import Ray
from pcr_assets.resources.engine import EngineError

PAUSE_SECONDS = 5.0
"""How often the cluster is looked at anew while its nodes are awaited."""
CLOSE_SECONDS = 30
"""How long nodes are given to end their programs and remove their scratch folders."""


@contextmanager
def benches(ray: Any, kind: type, asked: Ray, threads: int) -> Iterator[list[Any]]:
    """An actor of this kind on each node, with ``threads`` cores for each process, and a GPU where the cluster has any.

    Afterwards none is left, nor what it ran, unless the cluster itself is gone. Raises EngineError where it has too few nodes.
    """
    from ray.util.placement_group import remove_placement_group
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    group = _reserved(ray, asked, threads)
    actors: list[Any] = []
    try:
        for at, bundle in enumerate(group.bundle_specs):
            needs = {"num_cpus": bundle["CPU"], "num_gpus": bundle.get("GPU", 0)}
            there = PlacementGroupSchedulingStrategy(placement_group=group, placement_group_bundle_index=at)
            actors.append(ray.remote(kind).options(**needs, scheduling_strategy=there).remote())
        yield actors
    finally:
        if ray.is_initialized():
            with contextlib.suppress(ray.exceptions.RayError):
                closing = [actor.close.remote() for actor in actors]
                ray.wait(closing, num_returns=len(closing), timeout=CLOSE_SECONDS)
            for actor in actors:
                ray.kill(actor)
            remove_placement_group(group)


def _reserved(ray: Any, asked: Ray, threads: int) -> Any:
    """A placement group whose bundles are reserved, each on another node."""
    from ray.util.placement_group import placement_group, remove_placement_group

    last = time.monotonic() + 60 * asked.most_wait_minutes
    bundle, lacking = bundle_of([node["Resources"] for node in ray.nodes() if node["Alive"]], asked, threads)
    if lacking and not asked.most_wait_minutes:
        raise EngineError(lacking)
    group = placement_group([bundle] * asked.nodes, strategy="STRICT_SPREAD")
    told = False
    try:
        while not group.wait(PAUSE_SECONDS):
            _, lacking = bundle_of([node["Resources"] for node in ray.nodes() if node["Alive"]], asked, threads)
            if lacking and time.monotonic() >= last:
                raise EngineError(lacking)
            if not told:
                print(f"waiting for the Ray cluster: {lacking or 'others use its nodes'}", flush=True)
                told = True
    except BaseException:
        remove_placement_group(group)
        raise
    return group


def bundle_of(up: Sequence[Mapping[str, float]], asked: Ray, threads: int) -> tuple[dict[str, int], str]:
    """What each node must have, and one sentence if too few of those that are ``up`` have it, else nothing.

    A node with fewer cores than threads will do. Where any has a GPU, all must: processes can't share work across the two kinds.
    """
    gpus = asked.processes if any(node.get("GPU", 0) >= 1 for node in up) else 0
    cores = sorted((int(node.get("CPU", 0)) for node in up if node.get("GPU", 0) >= gpus), reverse=True)
    fit = [count for count in cores[: asked.nodes] if count >= 1]
    bundle = {"CPU": min([asked.processes * threads, *fit]), **({"GPU": gpus} if gpus else {})}
    if len(fit) == asked.nodes:
        return bundle, ""
    each = f"{gpus} GPU{'s' * (gpus > 1)} and a core" if gpus else "a core"
    return bundle, (
        f"the training asks for {asked.nodes} node{'s' * (asked.nodes > 1)} of the Ray cluster with {each} each, and "
        f"{len(fit) or 'none'} of the {len(up)} that are up {'has' if len(fit) < 2 else 'have'} that: start more "
        "(docs/cluster.md), or ask for fewer in the profile (compute: ray: nodes, processes)"
    )
