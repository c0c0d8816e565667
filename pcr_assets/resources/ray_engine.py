"""Tasks of a step on the nodes of a Ray cluster: each gets a request as JSON and gives what it made as JSON.

A task reads from the store and writes to it ahead; this process alone publishes. When a node dies, Ray gives its tasks to
another, which finds in the store what was made already. Credentials don't travel: each node has its own.
"""

import os
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter

from pcr_assets.resources.engine import EngineError, Made, Place, Request
from pcr_assets.resources.ray_cluster import INSTALL, Watch, connected, differences, largest, makeup
from pcr_assets.resources.store import Store

CPUS = 2
"""Cores of a task: reading, decoding and embedding overlap."""
WAITING = 2
"""Tasks that wait for a core, for each that works: no node is idle while an answer travels."""
TRIES_AGAIN = 5
"""How often a task is begun again whose node died. An error of its own is told at once."""


AS_WHOM = ("PCR_S3_PROFILE", "PCR_S3_ROLE")
"""Variables that say as whom this machine speaks to S3. A node has keys or a role of its own, and most likely no such profile."""


class Order(BaseModel):
    """What a node is told beside the request: the task by name, what to make it with, and what it must see."""

    task: str
    makeup: dict[str, str]
    folders: dict[str, str]
    """A file in each folder that all nodes must see, by the folder."""
    settings: dict[str, str]
    """Which S3 server, from the environment; no credential."""
    threads: int


class Answer(BaseModel):
    """What a task made, as JSON, or why it made nothing."""

    made: str = ""
    failed: str = ""


class OnRay:
    """Tasks on a Ray cluster, as many at once as it has cores for. ``roots``: the store that they write, and what they read."""

    def __init__(self, roots: Sequence[str]):
        self._roots = roots

    def each(self, task: Callable[[Request, Place], Made], requests: Sequence[Request], folder: Path) -> Iterator[Made]:
        """See :meth:`Engine.each`. Raises EngineError, with the task's own sentence about its error."""
        if not requests:
            return
        ray = connected()
        given, made = (TypeAdapter(get_type_hints(task)[name]) for name in ("request", "return"))
        threads = max(1, min(CPUS, largest(ray, "CPU")))
        remote = ray.remote(num_cpus=threads, max_retries=TRIES_AGAIN)(answer)
        with seen_by_all(self._roots) as folders:
            order = Order(
                task=f"{task.__module__}:{task.__qualname__}",
                makeup=makeup(),
                folders=folders,
                settings=which_server(),
                threads=threads,
            ).model_dump_json()
            answers = _in_order(ray, remote, order, [given.dump_json(request) for request in requests], threads)
            for said in answers:
                found = Answer.model_validate_json(said)
                if found.failed:
                    raise EngineError(found.failed)
                yield made.validate_json(found.made)


def which_server() -> dict[str, str]:
    """Which S3 server to use, from the environment, for a node that has no such variables."""
    return {name: value for name, value in os.environ.items() if name.startswith("PCR_S3_") and name not in AS_WHOM}


def _in_order(ray: Any, remote: Any, order: str, requests: Sequence[bytes], threads: int) -> Iterator[str]:
    """Answers in the order of the requests. Some tasks are under way ahead of whoever takes the answers, which are small."""
    under_way: dict[Any, int] = {}
    answers: dict[int, str] = {}
    begun, watch = 0, Watch(ray)
    try:
        for number in range(len(requests)):
            while number not in answers:
                room = (1 + WAITING) * max(1, int(ray.cluster_resources().get("CPU", 1)) // threads)
                while begun < len(requests) and len(under_way) < room:
                    under_way[remote.remote(order, requests[begun])] = begun
                    begun += 1
                for ref in watch.first_of(list(under_way)):
                    answers[under_way.pop(ref)] = _answered(ray, ref)
            yield answers.pop(number)
    finally:
        for ref in under_way if ray.is_initialized() else ():
            ray.cancel(ref)


def _answered(ray: Any, ref: Any) -> str:
    try:
        return str(ray.get(ref))
    except ray.exceptions.RayTaskError as error:
        if "No module named" in str(error):
            raise EngineError(f"a node of the Ray cluster lacks this project: on each node, {INSTALL}") from error
        raise
    except ray.exceptions.OutOfMemoryError as error:
        raise EngineError(
            "a task was ended again and again, for its node had no memory left: free some there, or give the cluster larger nodes, "
            "then run again; it goes on from what was made"
        ) from error
    except ray.exceptions.RayError as error:
        raise EngineError(
            f"a task was lost with its node {TRIES_AGAIN + 1} times ({type(error).__name__}): look after the nodes' memory and "
            "logs, then run again; it goes on from what was made"
        ) from error


def answer(order: str, request: bytes) -> str:
    """On a node: do what is asked in a scratch folder of its own. Errors of the task are part of the answer."""
    asked = Order.model_validate_json(order)
    where = os.uname().nodename
    if differs := differences(asked.makeup):
        failed = f"the Ray node {where} would make something else, for it has {differs}: on each node, {INSTALL}"
        return Answer(failed=failed).model_dump_json()
    for root, file in asked.folders.items():
        if not Path(file).exists():
            failed = f"the Ray node {where} doesn't see the folder {root}: share it with all nodes, or use s3://"
            return Answer(failed=failed).model_dump_json()
    os.environ.update(asked.settings)
    module, _, name = asked.task.partition(":")
    task = getattr(import_module(module), name)
    hints = get_type_hints(task)
    with TemporaryDirectory(prefix="pcr-") as folder:
        place = Place(Path(folder), asked.threads, _stores())
        try:
            made = task(TypeAdapter(hints["request"]).validate_json(request), place)
        except Exception as error:  # a sentence for a person travels; a class of ours might not
            print(f"{asked.task} on {where}: {error!r}", file=sys.stderr)
            said = str(error) if type(error).__module__.startswith(("pcr_assets", "edge_runtime")) else repr(error)
            return Answer(failed=said).model_dump_json()
    return Answer(made=TypeAdapter(hints["return"]).dump_json(made).decode()).model_dump_json()


@cache
def _stores() -> dict[str, Store]:
    """The stores that this process of a node has opened."""
    return {}


@contextmanager
def seen_by_all(roots: Sequence[str]) -> Iterator[dict[str, str]]:
    """For each folder a file in it by which a node sees whether the folder is the one that is meant.

    In the first, which is the store, the file is made, and gone after the block; in the others it is one that lies there.
    Without this, a node with no such folder would put all scans into quarantine, and keep what it made to itself.
    """
    folders = [root for root in roots if "://" not in root]
    made = [Path(root, f".seen-by-all-{uuid.uuid4().hex}") for root in folders if root == roots[0]]
    found = {root: str(first) for root in folders if root != roots[0] and (first := next(_files(root), None))}
    try:
        for witness in made:
            witness.parent.mkdir(parents=True, exist_ok=True)
            witness.touch()
        yield {**found, **{str(witness.parent): str(witness) for witness in made}}
    finally:
        for witness in made:
            witness.unlink(missing_ok=True)


def _files(root: str) -> Iterator[Path]:
    return (Path(place, name) for place, _, names in os.walk(root) for name in names if not name.startswith("."))
