"""What a node of a Ray cluster does for a training: it runs the program and tells what that says and writes.

Where several processes share the training, a node runs as many of them as it is told; the one that leads it writes its results.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pcr_assets.compute.job_files import named_anew
from pcr_assets.compute.ray_files import Parcel, Stamp, changed, listed, unpack
from pcr_assets.learning.meeting import ALONE, Share
from pcr_assets.resources import bound, hardware
from pcr_assets.resources.ray_cluster import INSTALL, differences

WAIT_SECONDS = 2.0
"""How long a node waits for a program to end, before it tells how things are."""
TICK_SECONDS = 0.05
INTERFACE = (("GLOO_SOCKET_IFNAME", ""), ("NCCL_SOCKET_IFNAME", "="))
"""Variables by which both libraries take an interface, and what NCCL writes before a name that is meant as it stands."""


@dataclass(frozen=True)
class News:
    """What a node tells: lines with the rank that said them, exit codes by rank of what ended, all files there are (None: not
    known now, or not for this node to send), and those that are new."""

    lines: list[tuple[int, str]] = field(default_factory=list)
    codes: dict[int, int] = field(default_factory=dict)
    names: list[str] | None = None
    parcels: list[Parcel] = field(default_factory=list)


class Bench:
    """On a node: programs at work in a scratch folder. They end with the process that asked for them."""

    def __init__(self) -> None:
        self._door: socket.socket | None = None
        self._programs: dict[int, subprocess.Popen[str]] = {}
        self._readers: dict[int, threading.Thread] = {}
        self._lines: deque[tuple[int, str]] = deque()
        self._ended: set[int] = set()

    def meeting(self) -> str:
        """Open a door for the processes of a team, on the address by which the cluster knows this node; gives where it is."""
        address = _address()
        self._door = socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        return f"{address}:{self._door.getsockname()[1]}"

    def start(
        self,
        module: str,
        job: dict[str, Any],
        given: dict[str, Parcel],
        there: list[Parcel],
        asked: dict[str, str],
        share: Share = ALONE,
    ) -> dict[str, Any] | str:
        """Begin; gives what this machine is, or why it can't serve."""
        if differs := differences(asked):
            return f"the Ray node would train something else, for it has {differs}: on each node, {INSTALL}"
        import ray

        self._scratch = TemporaryDirectory(prefix="pcr-")
        inputs, self._out = Path(self._scratch.name, "in"), Path(self._scratch.name, "out")
        self._out.mkdir()
        places = {path: str(unpack(ray.get, parcel, inputs)) for path, parcel in given.items()}
        for parcel in there:
            unpack(ray.get, parcel, self._out)
        file = Path(self._scratch.name, "job.json")
        moved = named_anew(job, lambda path: places[str(path)])
        file.write_text(json.dumps({**moved, "out": str(self._out)}, indent=1, sort_keys=True))
        self._sends = 0 in share.ranks
        self._sent: dict[str, Stamp] = listed(self._out)
        self._begin(module, file, job["threads"], share)
        return hardware.here(job["threads"])

    def _begin(self, module: str, file: Path, threads: int, share: Share) -> None:
        known = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        known |= _interface(_address()) if share.size > 1 else {}
        for rank in share.ranks:
            door = self._door.fileno() if self._door and rank == 0 else None
            inherited = [] if door is None else [door]
            told = known | share.environment(rank, door)
            program = bound.begun(module, [str(file)], threads, told, inherited)
            self._programs[rank] = program
            self._readers[rank] = threading.Thread(target=self._read, args=(rank, program), daemon=True)
            self._readers[rank].start()
        if self._door:
            self._door.close()  # the leader has it now

    def _read(self, rank: int, program: "subprocess.Popen[str]") -> None:
        assert program.stdout is not None
        for line in program.stdout:
            self._lines.append((rank, line.rstrip("\n")))

    def news(self) -> News:
        """What is new since the last call, at once if a program ended, else after a while."""
        import ray

        late = time.monotonic() + WAIT_SECONDS
        while not (self._codes().keys() - self._ended) and time.monotonic() < late:
            time.sleep(TICK_SECONDS)
        codes = self._codes()
        for rank in codes.keys() - self._ended:
            self._readers[rank].join(WAIT_SECONDS)
        found = changed(self._out, self._sent, ray.put) if self._sends else ({}, [])
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        if found is None:  # an end is told together with what it left
            return News(lines)
        self._ended |= codes.keys()
        self._sent, parcels = found
        return News(lines, codes, list(self._sent) if self._sends else None, parcels)

    def _codes(self) -> dict[int, int]:
        codes = {rank: program.poll() for rank, program in self._programs.items()}
        return {rank: code for rank, code in codes.items() if code is not None}

    def close(self) -> None:
        """End the programs that still run, and leave nothing behind: Ray ends this process without a word to it."""
        for program in self._programs.values():
            if program.poll() is None:
                program.terminate()
        for program in self._programs.values():
            program.wait()
        if self._door:
            self._door.close()
        with contextlib.suppress(AttributeError):  # it never started
            self._scratch.cleanup()


def _address() -> str:
    """The address by which the cluster knows this node."""
    import ray.util

    return str(ray.util.get_node_ip_address())


def _interface(address: str) -> Mapping[str, str]:
    """Variables that keep the traffic between processes on the interface with this address, where nobody chose another.

    Without them it would be the one that the machine's own name leads to: on many machines that is the loopback interface.
    """
    import psutil  # Ray brings it

    cards = psutil.net_if_addrs().items()
    name = next((card for card, addresses in cards if any(found.address == address for found in addresses)), None)
    return {variable: sign + name for variable, sign in INTERFACE if name and variable not in os.environ}
