"""The catalogue: what the keys of an index mean, as the CSV that travels in a release."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from pyarrow import csv as csv_of_arrow

from pcr_assets.gallery.keys import keys_of

COLUMNS = ("key", "card_id", "view", "name", "set", "number", "art_group")
SET_NAME = "set_name"
"""The column that a catalogue has where any set has a name."""


def catalogue(
    scans: pa.Table, art_groups: Mapping[str, str], set_names: Mapping[str, str] = MappingProxyType({})
) -> bytes:
    """The CSV of all scans, ordered by card id and view, UTF-8 with ``\\n`` line ends.

    ``scans``: columns card_id, view, name, set, number.
    ``art_groups``: the group of each card that shares its art with others; any other card is a group of its own.
    ``set_names``: what sets are called, by their id. Raises ``KeyCollision``.
    """
    rows = sorted(scans.select(COLUMNS[1:-1]).to_pylist(), key=lambda row: (row["card_id"], row["view"]))
    keys = keys_of((row["card_id"], row["view"]) for row in rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, (*COLUMNS, SET_NAME) if set_names else COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        key, group = keys[row["card_id"], row["view"]], art_groups.get(row["card_id"], row["card_id"])
        named = {SET_NAME: set_names.get(row["set"], "")} if set_names else {}
        writer.writerow({**row, "key": key, "art_group": group, **named})
    return text.getvalue().encode()


def keys_by_set(path: Path) -> dict[str, np.ndarray]:
    """The keys of each set's scans, uint64, from a catalogue that :func:`catalogue` wrote."""
    options = csv_of_arrow.ConvertOptions(
        column_types={"key": pa.uint64(), "set": pa.string()}, include_columns=["key", "set"]
    )
    table = csv_of_arrow.read_csv(
        path, parse_options=csv_of_arrow.ParseOptions(newlines_in_values=True), convert_options=options
    ).sort_by("set")
    sets, starts = np.unique(table["set"].to_numpy(zero_copy_only=False), return_index=True)
    return dict(zip(sets.tolist(), np.split(table["key"].to_numpy(), starts[1:]), strict=True))
