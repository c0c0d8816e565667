"""Locks of an instance: one lets one refresh run at a time, one for each run of a job tells others that it lives.

A lock falls with its holder; of a killed one an empty file stays until the next refresh. Records in a folder: processes of this
machine see it. Records in PostgreSQL: those of any machine. There it falls with the session too, when the server is started anew
while a network trains: so a refresh asks before each wave whether it holds it still (:class:`Hold`).
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

import dagster as dg

KEY = int.from_bytes(b"pcr lock")
"""The number of a refresh's advisory lock; PostgreSQL keeps them apart by database."""
KEEPALIVE = {"keepalives_idle": 60, "keepalives_interval": 15, "keepalives_count": 4}
"""The connection is silent while a network trains: ask after it more often than a router forgets it."""


class LockLost(Exception):
    """Another refresh took the lock of this one while its session with the database was broken."""


class Hold:
    """A lock that was asked for; true if it was free. ``take``: whether it is ours, asked again; a broken session is begun anew."""

    def __init__(self, take: Callable[[], bool]):
        self._take = take
        self._free = take()

    def __bool__(self) -> bool:
        return self._free

    def keep(self) -> None:
        """Go on holding it. Raises :class:`LockLost`, and what the database's client raises while it is away."""
        if not self._take():
            raise LockLost(
                "another refresh of this instance began while this one's session with the database was broken: wait for that "
                "one, it goes on from what was built"
            )


@contextmanager
def only_refresh(instance: dg.DagsterInstance) -> Iterator[Hold]:
    """Hold the instance's refresh lock; gives what is false, at once, when another process holds it."""
    with _lock(instance, Path(instance.root_directory, "refresh.lock"), KEY) as hold:
        yield hold


@contextmanager
def living(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Let :func:`lives` say so of a run, until the block ends or this process does."""
    file, key = _of_run(instance, run_id)
    with _lock(instance, file, key, wait=True):
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def lives(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether a process is inside :func:`living` for this run. Of one that was killed there, the file goes."""
    file, key = _of_run(instance, run_id)
    if not _database(instance) and not file.exists():
        return False
    with _lock(instance, file, key) as hold:
        if hold:
            file.unlink(missing_ok=True)
        return not hold


def forget_the_dead(instance: dg.DagsterInstance) -> None:
    """Remove the files of all runs that were killed inside :func:`living`, whatever became of them since."""
    for file in Path(instance.root_directory, "living").glob("*.lock"):
        lives(instance, file.stem)


def spans_machines(instance: dg.DagsterInstance) -> bool:
    """Whether the lock keeps out refreshes of other machines as well."""
    return bool(_database(instance))


def _database(instance: dg.DagsterInstance) -> str:
    return getattr(instance.event_log_storage, "postgres_url", "")


def _of_run(instance: dg.DagsterInstance, run_id: str) -> tuple[Path, int]:
    """The file and the number of a run's lock; PostgreSQL's numbers have 63 bits besides the sign."""
    number = int.from_bytes(hashlib.blake2b(run_id.encode(), digest_size=8).digest()) >> 1
    return Path(instance.root_directory, "living", f"{run_id}.lock"), number


def _lock(instance: dg.DagsterInstance, file: Path, key: int, *, wait: bool = False) -> AbstractContextManager[Hold]:
    url = _database(instance)
    return _advisory_lock(url, key, wait) if url else _file_lock(file, wait)


@contextmanager
def _file_lock(path: Path, wait: bool) -> Iterator[Hold]:
    """Whoever holds it may remove the file: a lock on a file that is gone keeps nobody out, so that a new one is locked then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("a") as file:

            def take(file: IO[str] = file) -> bool:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return False
                return True

            hold = Hold(take)
            if not hold or _is_at(path, file):
                yield hold
                return


def _is_at(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


@contextmanager
def _advisory_lock(url: str, key: int, wait: bool) -> Iterator[Hold]:
    from sqlalchemy import NullPool, create_engine, text
    from sqlalchemy.exc import OperationalError

    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=KEEPALIVE)
    call = text(f"select {'pg_advisory_lock(:key) is not null' if wait else 'pg_try_advisory_lock(:key)'}")
    with engine.connect() as session:  # after its connection broke, the next statement opens another

        def take() -> bool:
            try:
                return bool(session.scalar(call, {"key": key}))
            except OperationalError:
                if not session.invalidated:
                    raise
                session.rollback()  # of what broke with it, else SQLAlchemy opens no other
                return bool(session.scalar(call, {"key": key}))

        yield Hold(take)
