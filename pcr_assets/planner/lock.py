"""The lock that lets one refresh of an instance run at a time. It falls with its holder: a killed one leaves nothing to clean."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

KEY = int.from_bytes(b"pcr lock")
"""The number of our advisory lock; PostgreSQL keeps them apart by database."""
KEEPALIVE = {"keepalives_idle": 60, "keepalives_interval": 15, "keepalives_count": 4}
"""The connection is silent while a network trains: ask after it more often than a router forgets it."""


@contextmanager
def only_refresh(instance: dg.DagsterInstance) -> Iterator[bool]:
    """Hold the instance's refresh lock; gives False, at once, when another process holds it.

    Records in a folder: a process of this machine. Records in PostgreSQL: of any machine.
    """
    url = _database(instance)
    with _advisory_lock(url) if url else _file_lock(Path(instance.root_directory)) as free:
        yield free


def spans_machines(instance: dg.DagsterInstance) -> bool:
    """Whether the lock keeps out refreshes of other machines as well."""
    return bool(_database(instance))


def _database(instance: dg.DagsterInstance) -> str:
    return getattr(instance.event_log_storage, "postgres_url", "")


@contextmanager
def _file_lock(folder: Path) -> Iterator[bool]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "refresh.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def _advisory_lock(url: str) -> Iterator[bool]:
    from sqlalchemy import NullPool, create_engine, text

    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=KEEPALIVE)
    with engine.connect() as session:
        yield bool(session.scalar(text("select pg_try_advisory_lock(:key)"), {"key": KEY}))
