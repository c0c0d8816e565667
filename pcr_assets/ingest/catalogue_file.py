"""``cards.csv`` of the raw folder: what is in it stays, what was fetched is added, in an order of its own.

It is read by :mod:`pcr_assets.cards.catalogue`, and replaced in one step by whoever started from what is there.
"""

import csv
import io
import re
from collections.abc import Collection
from pathlib import PurePosixPath

from pcr_assets.cards.catalogue import FILE, read_catalogue
from pcr_assets.ingest.plan import Scan
from pcr_assets.resources.store import Moved, Store, read_if_there

COLUMNS = ("path", "game", "set", "number", "card_id", "name", "lang", "source", "set_name")
TRIES = 5


class CatalogueFile:
    """The rows of ``cards.csv`` by path. ``carried``: where rows were taken over from, as the folder had no such file."""

    def __init__(self, raw: Store, above: Store | None, keys: Collection[str]):
        """Raises ``CatalogueError`` when the file that is there can't be read."""
        self.raw = raw
        self.columns = list(COLUMNS)
        self.rows: dict[str, dict[str, str]] = {}
        self.carried = ""
        self._held = read_if_there(raw, FILE)
        self._added: dict[str, dict[str, str]] = {}
        if self._held is not None:
            self._take(self._held, f"{raw.root}/{FILE}")
        elif above is not None and (found := read_if_there(above, FILE)) is not None:
            self.carried = f"{above.root}/{FILE}"
            self._take(found, self.carried, f"{PurePosixPath(raw.root).name}/")
            self.rows = {path: row for path, row in self.rows.items() if path in keys}

    def _take(self, data: bytes, source: str, prefix: str = "") -> None:
        read_catalogue(data, source, prefix)
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), restval="")
        self.columns = list(dict.fromkeys([*(reader.fieldnames or ()), *COLUMNS]))
        for row in reader:
            path = row["path"].removeprefix("./").removeprefix(prefix)
            self.rows[path] = {**{column: row.get(column) or "" for column in self.columns}, "path": path}

    def add(self, scan: Scan) -> None:
        """Add a fetched scan. A row that lists its path already stays, for somebody may have mended it; only the name of its set is
        added where it lacks: rows of before there were such names get it when they are next asked for."""
        card, row = scan.card, self.rows.get(scan.key)
        about = (card.game, card.set_id, card.number, card.card_id, card.name, card.lang, card.image, card.set_name)
        fetched = dict(zip(COLUMNS, map(_text, (scan.key, *about)), strict=True))
        if row is None:
            self.rows[scan.key] = self._added[scan.key] = fetched
        elif row["set"] == card.set_id and not row["set_name"] and fetched["set_name"]:
            self.rows[scan.key] = self._added[scan.key] = {**row, "set_name": fetched["set_name"]}

    def save(self) -> None:
        """Publish the rows, if there are new ones. Raises StoreError.

        When another intake was faster, its rows are read and these are added to them.
        """
        for _ in range(TRIES):
            if not self._added:
                return
            body = self._body()
            try:
                self.raw.swap(FILE, body, self._held)
            except Moved:
                self._start_over()
                continue
            self._held, self._added = body, {}
            return
        raise Moved(f"{self.raw.root}/{FILE}")

    def _start_over(self) -> None:
        added, self._held = self._added, read_if_there(self.raw, FILE)
        self.rows = {}
        if self._held is not None:
            self._take(self._held, f"{self.raw.root}/{FILE}")
        self._added = {path: row for path, row in added.items() if path not in self.rows}
        self.rows |= self._added

    def _body(self) -> bytes:
        """The file: rows in the order of their paths, numbers by size."""
        here = [row for path, row in self.rows.items() if path not in self._added]
        sets = {row["card_id"]: row["set"] for row in here if row["set"]}
        names = {row["set"]: row["set_name"] for row in reversed(here) if row["set_name"]}
        # A card is in one set, and a set has one name: those of the rows that were here first.
        for row in self._added.values():
            row["set"] = sets.get(row["card_id"], row["set"])
            row["set_name"] = names.get(row["set"], row["set_name"])
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows[path] for path in sorted(self.rows, key=_by_number))
        return text.getvalue().encode()


def _text(value: str) -> str:
    """Without what UTF-8 can't hold (a lone half of a surrogate pair, which JSON can)."""
    return value.encode(errors="ignore").decode()


def _by_number(path: str) -> tuple[list[tuple[int, str]], str]:
    parts = re.split(r"(\d+)", path)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path
