"""Several processes that train one network: which of them this one is, and what they tell each other.

torchrun, or a node of a cluster (meeting.py), starts them and says who is who (``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``); a
process that was started alone is a team of one. Each shows its share of every batch to its own copy of the network, the
gradients are averaged, and so all copies stay the same: the result is that of one process, up to the order in which sums are
rounded. What is done once (preparing, validating, checkpoints, progress) the leader does, and tells the others by tensors and
JSON, never by pickles.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from pcr_assets.learning import meeting

PATIENCE = timedelta(hours=3)
"""How long a process waits for the leader to prepare or validate. One that died is noticed by who started it."""


class CannotShare(ValueError):
    """The work can't be divided as the settings say; the message says what to change."""


class Parted(Exception):
    """Another process of the team ended before its work was done. That one tells why."""


@dataclass(frozen=True)
class Team:
    """One process of ``size`` that train together; ``local`` is its number on its own machine. The leader has rank 0."""

    rank: int = 0
    size: int = 1
    local: int = 0

    @classmethod
    def of_environment(cls) -> "Team":
        """What the environment says; alone where it says nothing."""
        return cls(*(int(os.environ.get(name, other)) for name, other in _VARIABLES))

    @property
    def leads(self) -> bool:
        """Whether this process does what is done once."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """Whether there is nobody to tell."""
        return self.size == 1

    def share(self, batch: int, accumulate: int = 1) -> range:
        """The slots of a batch that this process shows its network. Raises CannotShare when they are not the same number."""
        if batch % (self.size * accumulate):
            shares = f"{self.size} processes" + (f" in {accumulate} steps each" if accumulate > 1 else "")
            raise CannotShare(f"a batch of {batch} views can't be divided evenly among {shares}: change batch")
        each = batch // self.size
        return range(self.rank * each, (self.rank + 1) * each)


ALONE = Team()
_VARIABLES = (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))


@contextmanager
def gathered() -> Iterator[Team]:
    """The team that the environment names, while its processes can speak to each other: by NCCL on GPUs, by Gloo on CPUs.

    Raises Parted when another process ended first, and NobodyCame when not all of them met.
    """
    team = Team.of_environment()
    if team.alone:
        yield team
        return
    gpus = torch.cuda.is_available()
    if gpus:
        torch.cuda.set_device(team.local)
    store = meeting.store(team.size, team.leads, PATIENCE)
    known = {} if store is None else {"store": store, "rank": team.rank, "world_size": team.size}
    dist.init_process_group("nccl" if gpus else "gloo", timeout=PATIENCE, **known)
    try:
        yield team
    except (dist.DistError, RuntimeError) as error:
        if isinstance(error, dist.DistError) or any(sign in str(error) for sign in _PEER_GONE):
            raise Parted(str(error)) from error
        raise
    finally:
        dist.destroy_process_group()


_PEER_GONE = ("Connection closed by peer", "Connection reset by peer", "Broken pipe")
"""As Gloo says it, in a RuntimeError."""


def tell(value: Any, team: Team) -> Any:
    """The leader's JSON value, on all; what the others pass is not looked at."""
    if team.alone:
        return value
    data = torch.tensor(list(json.dumps(value).encode()) if team.leads else [], dtype=torch.uint8, device=_place())
    length = torch.tensor([len(data)], device=_place())
    dist.broadcast(length, 0)
    if not team.leads:
        data = torch.empty(int(length), dtype=torch.uint8, device=_place())
    dist.broadcast(data, 0)
    return json.loads(bytes(data.tolist()))


def hand_out(tensors: Mapping[str, Tensor], team: Team) -> dict[str, Tensor]:
    """The leader's tensors, on all, on the CPU; what the others pass is not looked at."""
    if team.alone:
        return dict(tensors)
    kinds = tell([[name, list(t.shape), str(t.dtype).removeprefix("torch.")] for name, t in tensors.items()], team)
    found = {}
    for name, shape, kind in kinds:
        there = tensors[name].to(_place()).contiguous() if team.leads else None
        sent = there if there is not None else torch.empty(shape, dtype=getattr(torch, kind), device=_place())
        dist.broadcast(sent, 0)
        found[name] = sent.cpu()
    return found


def mean(value: Tensor, team: Team) -> Tensor:
    """The mean of a value over all processes."""
    if team.alone:
        return value
    total = value.detach().clone()
    dist.all_reduce(total)
    return total / team.size


def everyones(rows: Tensor) -> Tensor:
    """The rows of all processes, N to W·N, in the order of ranks, with gradients: what a loss over a whole batch needs.

    Each process computes the loss of all rows, so each row's gradient arrives W times; the average over processes that
    follows makes it one.
    """
    if not (dist.is_initialized() and dist.get_world_size() > 1):
        return rows
    return _Gather.apply(rows)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        # A copy: autograd may hand the same tensor to another branch.
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total.chunk(dist.get_world_size())[dist.get_rank()]


def _place() -> torch.device:
    return torch.device("cuda", torch.cuda.current_device()) if dist.get_backend() == "nccl" else torch.device("cpu")
