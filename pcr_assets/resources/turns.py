"""Publishers and whoever clears a store away take turns: many may publish at once, but nothing is removed meanwhile.

A publisher may count on old objects that no pointer names: files that a killed one had finished, parts of a release. Nobody
can tell from outside. So a publisher announces itself before it looks, whoever clears puts up a sign before it does, and each
then looks for the other: of two at the same moment one at least sees the other, and steps back.

What a killed process left counts no more as soon as that is seen: it ran here, or it is older than a set age.
"""

import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pcr_assets.resources.objects import Entry, Missing, Store, StoreError

PUBLISHING, CLEARING = ".publishing", ".clearing"
"""Hidden folders of the store, with an object for each process at work."""
DEAD_SECONDS = 24 * 3600.0
"""A process of another machine that announced itself so long ago is taken for dead."""
PATIENCE = 600.0
ASK_AGAIN = 0.2


class Occupied(StoreError):
    """Others are at work in the store, and were for as long as one would wait."""


@contextmanager
def publishing(store: Store, patience: float = PATIENCE) -> Iterator[None]:
    """Publish in this block: what is in the store stays. Raises :class:`Occupied` where it is being cleared for too long."""
    with _announced(store, PUBLISHING, [CLEARING], patience):
        yield


@contextmanager
def clearing(store: Store, patience: float = PATIENCE) -> Iterator[None]:
    """Remove things in this block: nobody publishes. Raises :class:`Occupied` where somebody publishes, or clears, for too long."""
    with _announced(store, CLEARING, [CLEARING, PUBLISHING], patience):
        yield


@contextmanager
def _announced(store: Store, folder: str, others: list[str], patience: float) -> Iterator[None]:
    """An object of our own in ``folder``, that was put there while nobody else's was in ``others``."""
    key, until = f"{folder}/{uuid.uuid4().hex}", time.monotonic() + patience
    said = json.dumps({"host": _here(), "process": os.getpid()}).encode()
    try:
        while True:
            store.write(key, said)
            there = [entry for other in others for entry in _alive(store, other) if entry.key != key]
            if not there:
                break
            store.remove(key)  # they may be waiting for us
            if time.monotonic() > until:
                raise Occupied(
                    f"{store.root} is being {'published to' if PUBLISHING in there[0].key else 'cleared by make gc'}: run again "
                    f"later; if nobody is at work there, remove {there[0].key} from it"
                )
            time.sleep(ASK_AGAIN * (1 + uuid.uuid4().int % 100 / 100))  # or two would step back in step for ever
        yield
    finally:
        with suppress(StoreError):  # what made the block fail is told, not that the server is still away
            store.remove(key)


def _here() -> str:
    """Where a process's number is its own: on a machine, or in a container of it. Two containers may bear one name, as those of one
    service of Docker Compose do, and each counts from 1."""
    try:
        numbered = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:  # no Linux
        numbered = 0
    return f"{socket.gethostname()}/{numbered}"


def _alive(store: Store, folder: str) -> list[Entry]:
    """The objects of processes that may be alive; those of dead ones are removed."""
    alive = []
    for entry in store.list(folder):
        if entry.key.endswith("/"):  # the folder itself, in which nobody is just now
            continue
        if _is_dead(store, entry):
            store.remove(entry.key)
        else:
            alive.append(entry)
    return alive


def _is_dead(store: Store, entry: Entry) -> bool:
    if entry.modified is not None and time.time() - entry.modified > DEAD_SECONDS:
        return True
    try:
        said = json.loads(store.read(entry.key))
        if said["host"] != _here():
            return False
        os.kill(int(said["process"]), 0)
    except (Missing, ProcessLookupError):
        return True
    except (ValueError, KeyError, TypeError, PermissionError):  # half a word, or a process of another user
        return False
    return False
