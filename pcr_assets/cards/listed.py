"""Which files the rows of the shards were made from, so that a changed set's other scans need not be decoded again."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pcr_assets.cards.listing import Listing
from pcr_assets.cards.shards import TRANSFORM_VERSION
from pcr_assets.resources.store import Entry

FILE = f"listed-{TRANSFORM_VERSION}.parquet"
"""Its name says how scans were cleaned: rows that were made otherwise are not found."""
_SCHEMA = pa.schema([("key", pa.string()), ("size", pa.int64()), ("etag", pa.string())])


def written(listing: Listing) -> bytes:
    """The file for a listing; the same listing gives the same bytes under the same pyarrow."""
    entries = sorted(scan.entry for scans in listing.scans.values() for scan in scans)
    columns = [[entry.key for entry in entries], [entry.size for entry in entries], [entry.etag for entry in entries]]
    sink = pa.BufferOutputStream()
    table = pa.table(columns, schema=_SCHEMA)
    pq.write_table(table, sink, compression="zstd", use_dictionary=False)
    return sink.getvalue().to_pybytes()


def read(path: Path) -> Mapping[str, Entry]:
    """The files by their keys."""
    return {row["key"]: Entry(**row) for row in pq.read_table(path).to_pylist()}
