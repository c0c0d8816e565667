"""The catalogue that may come with raw scans: ``cards.csv`` with a row for each scan. It wins over file names."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from pcr_assets.resources.store import Store, read_if_there

FILE = "cards.csv"
NEEDED = ("path", "card_id")


class CatalogueError(ValueError):
    """A catalogue can't be read; the message names the file, and the cure."""


@dataclass(frozen=True)
class CatalogueRow:
    """What the catalogue says of one scan."""

    card_id: str
    set_id: str
    number: str
    name: str
    set_name: str = ""


Catalogue = Mapping[str, CatalogueRow]
"""Rows by key in the raw store."""


def find_catalogue(raw: Store, above: Store | None) -> Catalogue:
    """Read ``cards.csv`` from the raw folder, else from the folder above it; none is fine.

    Paths in it are relative to the file's own folder, or to the raw folder. Raises :class:`CatalogueError`.
    """
    for store, prefix in ((raw, ""), (above, PurePosixPath(raw.root).name + "/")):
        if store is not None and (data := read_if_there(store, FILE)) is not None:
            return read_catalogue(data, f"{store.root}/{FILE}", prefix)
    return {}


def read_catalogue(data: bytes, source: str, prefix: str = "") -> Catalogue:
    """Parse a catalogue; ``prefix`` is cut from its paths. A row without path or card id says nothing and is passed over.

    Raises :class:`CatalogueError`, naming ``source``.
    """
    try:
        text = io.StringIO(data.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{source} is not UTF-8: save it as CSV in UTF-8") from error
    rows = csv.DictReader(text, strict=True)  # else a quote that nobody closes takes all lines after it into a name
    found: dict[str, CatalogueRow] = {}
    try:
        if missing := [column for column in NEEDED if column not in (rows.fieldnames or ())]:
            said = f"{source} has no column {' and no '.join(missing)}"
            raise CatalogueError(f"{said}: its first line must name them, with nothing but commas between")
        for key, entry in (_entry(row, prefix) for row in rows if row["path"] and row["card_id"]):
            if found.setdefault(key, entry).card_id != entry.card_id:
                raise CatalogueError(
                    f"{source} calls {key} both {found[key].card_id} and {entry.card_id}: a scan shows one card"
                )
    except csv.Error as error:
        where = f"the row that begins in line {rows.line_num + 1}"
        raise CatalogueError(f"{source} is no CSV file ({where}: {error}): save it as CSV in UTF-8") from error
    sets: dict[str, str] = {}
    for row in found.values():
        if sets.setdefault(row.card_id, row.set_id) != row.set_id:
            raise CatalogueError(
                f"{source} puts {row.card_id} into the sets {sets[row.card_id]} and {row.set_id}: a card is in one set"
            )
    return found


def set_names(catalogue: Catalogue) -> dict[str, str]:
    """What the sets are called, of those that are called anything: where rows differ, the first of them counts."""
    found: dict[str, str] = {}
    for row in catalogue.values():
        if row.set_name:
            found.setdefault(row.set_id, row.set_name)
    return found


def _entry(row: Mapping[str, str | None], prefix: str) -> tuple[str, CatalogueRow]:
    key, card_id = (row["path"] or "").removeprefix("./").removeprefix(prefix), row["card_id"] or ""
    of_id, _, number = card_id.rpartition("-")
    set_id = row.get("set") or of_id or PurePosixPath(key).parent.name or card_id
    name, set_name = row.get("name") or card_id, (row.get("set_name") or "").strip()
    return key, CatalogueRow(card_id, set_id, row.get("number") or number, name, set_name)
