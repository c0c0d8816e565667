"""Where the processes of a team meet when nobody but us started them: at a door that was opened, and bound, beforehand.

torchrun has a meeting of its own; its server listens on every interface of the machine. Imports no torch: who starts programs
needs none.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

PLACE = "PCR_MEETING"
"""Variable: ``host:port`` of the door."""
DOOR = "PCR_MEETING_DOOR"
"""Variable of the leader alone: the file descriptor, inherited, of the socket that listens there."""
ARRIVAL = timedelta(minutes=10)
"""How long those who came wait for the others. All are started at once, each when its files are there."""
PARTED = 75
"""Exit code of a program that ended because another of its team did: why is for that one to say."""


class NobodyCame(Exception):
    """The processes of a team could not meet; the message says where."""


@dataclass(frozen=True)
class Share:
    """The part of a team that one machine starts: ranks from ``first`` on, so many ``here``, of ``size`` in all."""

    first: int = 0
    here: int = 1
    size: int = 1
    place: str = ""

    @property
    def ranks(self) -> range:
        """Those of this machine."""
        return range(self.first, self.first + self.here)

    def environment(self, rank: int, door: int | None) -> dict[str, str]:
        """What the process of this rank is told; nothing where it is alone."""
        if self.size == 1:
            return {}
        told = {"RANK": rank, "WORLD_SIZE": self.size, "LOCAL_RANK": rank - self.first, PLACE: self.place}
        return {name: str(value) for name, value in (told | ({DOOR: door} if door is not None else {})).items()}


ALONE = Share()


def store(size: int, leads: bool, patience: timedelta) -> Any:
    """The store by which a team of so many that meets at a door forms, all of it there; None where torchrun sees to that.

    Raises NobodyCame.
    """
    if not (place := os.environ.get(PLACE)):
        return None
    import torch.distributed as dist

    host, _, port = place.rpartition(":")
    door = int(os.environ[DOOR]) if leads else None
    try:
        met = dist.TCPStore(host, int(port), size, is_master=leads, timeout=ARRIVAL, master_listen_fd=door)
    except dist.DistError as error:
        minutes = ARRIVAL.seconds // 60
        raise NobodyCame(
            f"the {size} processes of this training did not all reach {place} within {minutes} minutes: let the nodes of "
            "the cluster reach each other on all ports"
        ) from error
    met.set_timeout(patience)
    return met
