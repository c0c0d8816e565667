"""Dagster's records in SQLite files, as :mod:`pcr_assets.instance` opens them: Dagster's own storage, but for how it connects.

Dagster makes a new engine of SQLAlchemy for each statement, so that each is compiled anew; and when the last connection of a file
closes, SQLite moves its log into the file and flushes both. That was a fifth of the CPU of a refresh with nothing to do, and more
of its time where flushing is slow. Here engines stay, and so does the connection to the index.

Nothing else is other than Dagster's: the files, what is in them, and when it is safe on the disk; but the file of a run that is
deleted goes with it. Dagster has no public way to say how it connects, so ``_connect`` is overridden; a Dagster of another version
is left to itself.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import (  # internal, dagster 1.13
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS  # internal, dagster 1.13
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage  # internal, dagster 1.13
from dagster._serdes import ConfigurableClassData  # internal, dagster 1.13
from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine

MOST_ENGINES = 8
"""Of the files of runs, whose number has no end in a webserver."""


class SqliteEventLog(SqliteEventLogStorage):
    """The event log: a file for each run, and the index of all."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None):
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:  # so one connection to a file is enough
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            runs = [name for name in self._engines if name != INDEX_SHARD_NAME]
            if len(runs) >= MOST_ENGINES:
                self._engines.pop(runs[0]).dispose()
            self._engines[shard] = self._made(shard)
        return self._engines[shard]

    def _made(self, shard: str) -> Engine:
        """Connections to the file of a run are closed each time: the webserver follows a run by when its file was modified."""
        where, timeout = self.conn_string_for_shard(shard), {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
        if shard != INDEX_SHARD_NAME:
            return create_engine(where, poolclass=NullPool, connect_args=timeout)
        any_thread = {**timeout, "check_same_thread": False}
        return create_engine(where, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args=any_thread)

    def delete_events(self, run_id: str) -> None:
        """Forget a run. Its own file goes as a whole, where Dagster would empty it and leave it there: a third of a megabyte."""
        with self.index_connection() as connection:
            self.delete_events_for_run(connection, run_id)
        self.free_concurrency_slots_for_run(run_id)
        with self._db_lock:
            if engine := self._engines.pop(run_id, None):
                engine.dispose()
            self._initialized_dbs.discard(run_id)
            for ending in ("", "-wal", "-shm"):
                Path(f"{self.path_for_shard(run_id)}{ending}").unlink(missing_ok=True)

    def dispose(self) -> None:
        """Close what is open."""
        super().dispose()
        with self._db_lock:
            for engine in self._engines.values():
                engine.dispose()


class SqliteStorage(DagsterSqliteStorage):
    """Dagster's three storages, with this event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None):
        super().__init__(base_dir, inst_data)
        self._event_log_storage = SqliteEventLog(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> "SqliteStorage":
        """As Dagster makes it of what ``dagster.yaml`` says, or of our defaults."""
        return cls.from_local(inst_data=inst_data, **config_value)
