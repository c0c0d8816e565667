"""How a set changed since a refresh was last asked for on its account: scans added, replaced, removed.

The sensor's cursor holds no keys, so they lie in a SQLite file of the scratch folder. It only serves to tell a person: where it
is lost, or the disk is full, the sets are named without numbers, and what is asked for is the same.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pcr_assets.cards.listing import Scan

BATCH = 5000
_TABLES = """
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS asked (
  "group" TEXT, digest TEXT, set_id TEXT, key TEXT, mark BLOB, PRIMARY KEY ("group", digest, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS now (
  "group" TEXT, set_id TEXT, key TEXT, mark BLOB, PRIMARY KEY ("group", key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listing (began REAL, ticks INTEGER);
CREATE TEMP TABLE versions ("group" TEXT PRIMARY KEY, before TEXT, after TEXT);
"""
_LOST = """
DELETE FROM versions WHERE before != '' AND NOT EXISTS (
  SELECT 1 FROM asked WHERE asked."group" = versions."group" AND asked.digest = before) RETURNING "group"
"""
_COUNTS = """
SELECT set_id, SUM(added), SUM(replaced), SUM(removed) FROM (
  SELECT now.set_id, old.key IS NULL AS added, IFNULL(old.mark != now.mark, 0) AS replaced, 0 AS removed
  FROM now JOIN versions USING ("group")
  LEFT JOIN asked old ON old."group" = now."group" AND old.digest = before AND old.key = now.key
  UNION ALL
  SELECT old.set_id, 0, 0, 1 FROM asked old JOIN versions ON old."group" = versions."group" AND old.digest = before
  LEFT JOIN now ON now."group" = old."group" AND now.key = old.key WHERE now.key IS NULL
) GROUP BY set_id HAVING SUM(added) OR SUM(replaced) OR SUM(removed) ORDER BY set_id
"""
_VERSION = "INSERT OR REPLACE INTO versions VALUES (?, ?, ?)"
_KEEP = (
    """INSERT OR IGNORE INTO asked SELECT "group", after, set_id, key, mark FROM now JOIN versions USING ("group")""",
    """DELETE FROM asked WHERE EXISTS (
  SELECT 1 FROM versions WHERE versions."group" = asked."group" AND asked.digest NOT IN (before, after))""",
)


@dataclass(frozen=True)
class Change:
    """What happened to the scans of one set."""

    added: int = 0
    replaced: int = 0
    removed: int = 0

    def __str__(self) -> str:
        said = {"added": self.added, "replaced": self.replaced, "removed": self.removed}
        return ", ".join(f"{count} {what}" for what, count in said.items() if count)


class Changes:
    """The scans of some groups, as they are now and as they were when last asked for."""

    def __init__(self, connection: sqlite3.Connection | None, began: float = 0.0, ticks: int = 0):
        self._connection = connection
        self._listing = began, ticks
        self._rows: list[tuple[str, str, str, bytes]] = []

    def note(self, group: str, scan: Scan, mark: bytes) -> None:
        """Take down a scan that is there now. Of one that is listed again, by a tick that goes on, the last word counts."""
        self._rows.append((group, scan.set_id, scan.key, mark))
        if len(self._rows) >= BATCH:
            self._write()

    def since(self, versions: Mapping[str, tuple[str, str]]) -> tuple[dict[str, Change], set[str]]:
        """What changed in the sets of these groups between the digest last asked for ("" for never) and the one of now, and
        the groups of which that is unknown.

        The scans of now are kept for the next time, those of then too: a daemon that dies asks again.
        """
        self._write()
        if self._connection is None:
            return {}, set(versions)
        rows = [(group, before, after) for group, (before, after) in versions.items()]
        try:
            with self._connection as database:
                database.executemany(_VERSION, rows)
                lost = {group for (group,) in database.execute(_LOST)}
                found = {set_id: Change(*counts) for set_id, *counts in database.execute(_COUNTS)}
                database.executemany(_VERSION, rows)
                for statement in _KEEP:
                    database.execute(statement)
                database.execute("DELETE FROM now")
        except sqlite3.Error:
            return {}, set(versions)
        return found, lost

    def go_on(self) -> None:
        """The listing goes on in another tick, with what was taken down so far."""
        self._write()
        if self._connection is not None:
            with suppress(sqlite3.Error), self._connection as database:
                database.execute("DELETE FROM listing")
                database.execute("INSERT INTO listing VALUES (?, ?)", (self._listing[0], self._listing[1] + 1))

    def _begin(self) -> None:
        """Take up what the ticks before took down; a listing of which some of it is lost counts nothing."""
        if self._connection is None:
            return
        began, ticks = self._listing
        with self._connection as database:
            if ticks == 0:
                database.execute("DELETE FROM now")
                return
            (held,) = database.execute("SELECT MAX(ticks) FROM listing WHERE began = ?", (began,)).fetchone()
        if held is None or held < ticks:
            self._connection = None

    def _write(self) -> None:
        if self._connection is not None:
            try:
                with self._connection as database:
                    database.executemany("INSERT OR REPLACE INTO now VALUES (?, ?, ?, ?)", self._rows)
            except sqlite3.Error:
                self._connection = None
        self._rows.clear()


@contextmanager
def open_changes(folder: Path, began: float = 0.0, ticks: int = 0) -> Iterator[Changes]:
    """The changes that are kept in a folder. A listing in several ticks has one beginning, and counts its ticks."""
    with ExitStack() as stack:
        connection = None
        with suppress(sqlite3.Error):
            connection = stack.enter_context(closing(sqlite3.connect(folder / "asked.sqlite", timeout=10)))
            connection.executescript(_TABLES)
        changes = Changes(connection, began, ticks)
        try:
            changes._begin()
        except sqlite3.Error:
            changes = Changes(None)
        yield changes
