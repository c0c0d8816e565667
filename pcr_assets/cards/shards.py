"""Shards of processed cards: one Parquet file for each card set, with the cleaned pictures and what they show.

The digest of a shard is that of its content (whose card, which pixels), never of its bytes: a scan that was saved again
with the same pixels gives the same shard.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import pyarrow as pa
import pyarrow.parquet as pq

from edge_runtime.jpeg import jpeg
from pcr_assets import digests
from pcr_assets.cards.listing import Listing, Scan
from pcr_assets.cards.names import file_label
from pcr_assets.imaging import art
from pcr_assets.imaging.clean import clean
from pcr_assets.imaging.decode import NoMemory, Rejected, decode
from pcr_assets.imaging.hashing import grey, phash
from pcr_assets.resources.side_by_side import side_by_side
from pcr_assets.resources.store import Entry, Missing, Shut, Store

TRANSFORM_VERSION = 5
"""Raise it when decoding, cleaning, hashing or the schema changes: every shard is then built anew."""
MOST_BYTES = 64 << 20
"""Larger files are not even read: a few of them at once would fill the memory."""
TOO_LARGE = f"is larger than any card scan: scale it below {MOST_BYTES >> 20} MB"
JPEG_QUALITY = 95
FULL_COLOUR = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
ROW_GROUP = 4
"""Scans a row group: reading one picture at random reads this many."""
SCHEMA = pa.schema(
    [
        ("card_id", pa.string()),
        ("view", pa.int32()),
        ("set", pa.string()),
        ("number", pa.string()),
        ("name", pa.string()),
        ("key", pa.string()),
        ("image", pa.binary()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("pixel_digest", pa.string()),
        ("phash", pa.binary(32)),
        ("art", pa.binary(art.SIZE[0] * art.SIZE[1])),
    ]
)

OF_PIXELS = ["image", "width", "height", "pixel_digest", "phash", "art"]
"""What of a row depends on the scan's bytes alone."""
NOTHING: Mapping[Entry, Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True)
class Reject:
    """A scan in quarantine and the reason. ``shut``: it could not be read, for want of rights or memory, or because it was away
    just then; that may pass without a trace in a listing."""

    set_id: str
    key: str
    reason: str
    shut: bool = False


@dataclass(frozen=True)
class Shard:
    """The cards of one set: a table of :data:`SCHEMA`, the scans that were refused, and the digest of the content."""

    set_id: str
    table: pa.Table
    rejects: tuple[Reject, ...]

    @property
    def digest(self) -> str:
        """The digest of whose cards these are and of their pixels. What is in quarantine makes no card another one."""
        identity = self.table.select(["card_id", "view", "set", "number", "name", "key", "pixel_digest"])
        return digests.of_json(identity.to_pylist())

    @property
    def file_name(self) -> str:
        """What its file is called: by the set, whatever characters that has, the content, and how that is written down."""
        return f"{file_label(self.set_id)}-{digests.of_json([self.digest, TRANSFORM_VERSION])[:16]}.parquet"


def inputs_digest(listing: Listing, set_id: str) -> str:
    """What a shard is made from: the set's listing and the way scans are cleaned."""
    return digests.of_json([listing.digest_of(set_id), TRANSFORM_VERSION])


def build_shard(
    set_id: str,
    scans: Sequence[Scan],
    raw: Store,
    workers: int | None = None,
    known: Mapping[Entry, Mapping[str, Any]] = NOTHING,
) -> Shard:
    """Read, decode and clean the scans of a set; a scan that can't serve becomes a reject and stops no other.

    ``known``: the rows of scans that were cleaned before, by their listing; they are taken over without reading the scan, and
    the shard is the same, byte for byte, as without them.

    The store reads ahead while ``workers`` threads decode, as many as there are cores by default: decoders and encoders
    release the interpreter lock. A scan that vanished since the listing is a reject, for most likely the next listing lacks it.
    Raises StoreError when the store fails, or ``Replaced`` when a scan is no longer the listed one: both are no fault of a scan.
    """
    asked = {scan.key for scan in scans if _readable(scan) and scan.entry not in known}
    contents = raw.read_many(scan.entry for scan in scans if scan.key in asked)
    given = ((scan, next(contents) if scan.key in asked else b"") for scan in scans)

    def make(pair: tuple[Scan, bytes | Missing | Shut]) -> dict[str, Any] | Reject:
        scan, data = pair
        row = known.get(scan.entry)
        return {**row, **_described(scan)} if row and not scan.fault else _processed(scan, data)

    made = list(side_by_side(make, given, workers or len(os.sched_getaffinity(0))))
    rejects = tuple(found for found in made if isinstance(found, Reject))
    rows = [found for found in made if isinstance(found, dict)]
    return Shard(set_id, pa.Table.from_pylist(_with_views(rows), schema=SCHEMA), rejects)


def _readable(scan: Scan) -> bool:
    return not scan.fault and scan.size <= MOST_BYTES


def _processed(scan: Scan, data: bytes | Missing | Shut) -> dict[str, Any] | Reject:
    if scan.fault:
        return Reject(scan.set_id, scan.key, scan.fault)
    if scan.size > MOST_BYTES:
        return Reject(scan.set_id, scan.key, f"the file {TOO_LARGE}")
    if isinstance(data, Shut):
        return Reject(scan.set_id, scan.key, f"{data.reason}, then `make refresh`", shut=True)
    if not isinstance(data, bytes):
        said = f"the scan could not be read ({data}): look whether it is still there"
        return Reject(scan.set_id, scan.key, said, shut=True)  # the same bytes may be put there again
    try:
        card = clean(decode(data))
    except Rejected as error:
        return Reject(scan.set_id, scan.key, str(error), shut=isinstance(error, NoMemory))
    height, width = card.shape[:2]
    in_grey = grey(card)
    return {
        **_described(scan),
        "image": jpeg(card, JPEG_QUALITY, FULL_COLOUR),  # not by Pillow, which holds the interpreter's lock over it
        "width": width,
        "height": height,
        "pixel_digest": digests.of_arrays({"card": card}),
        "phash": phash(in_grey).tobytes(),
        "art": art.thumbnail(in_grey).tobytes(),
    }


def _described(scan: Scan) -> dict[str, Any]:
    """What the listing says of a scan."""
    return {
        "card_id": scan.card_id,
        "set": scan.set_id,
        "number": scan.number,
        "name": scan.name,
        "key": scan.key,
    }


def made_of(scans: Sequence[Scan]) -> dict[str, Any]:
    """Which files a shard was made of, and how, as JSON: by it :func:`known_rows` knows them again."""
    return {"transform": TRANSFORM_VERSION, "scans": [[scan.key, scan.size, scan.etag] for scan in scans]}


def known_rows(shard: Path, made: Any) -> dict[Entry, dict[str, Any]]:
    """The rows of a published shard by the files that they were made of; none if scans were cleaned otherwise then."""
    if not made or made["transform"] != TRANSFORM_VERSION:
        return {}
    files = {key: Entry(key, size, etag) for key, size, etag in made["scans"]}
    table = pq.read_table(shard, columns=["key", *OF_PIXELS])
    return {files[row["key"]]: row for row in table.to_pylist() if row["key"] in files}


def _with_views(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Number the scans of each card, the one with most pixels first, and order by card and view."""
    ranked = sorted(rows, key=lambda row: (row["card_id"], -row["width"] * row["height"], row["key"]))
    views: dict[str, int] = {}
    for row in ranked:
        row["view"] = views[row["card_id"]] = views.get(row["card_id"], -1) + 1
    return ranked


def entry(shard: Shard, file: str, inputs: str) -> dict[str, Any]:
    """What the record of the processed cards says of one shard. ``shut``: scans that could not be read; with them its inputs are
    others than those of the listing, so that it is made again whenever cards are."""
    shut = [reject.key for reject in shard.rejects if reject.shut]
    return {
        "file": file,
        "inputs": digests.of_json([inputs, shut]) if shut else inputs,
        **({"shut": shut} if shut else {}),
        "digest": shard.digest,
        "scans": shard.table.num_rows,
        "rejected": len(shard.rejects),
        "quarantine": [{"set": reject.set_id, "key": reject.key, "reason": reject.reason} for reject in shard.rejects],
    }


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table as Parquet; the same content gives the same bytes under the same pyarrow.

    Small row groups let :mod:`pcr_assets.cards.reader` read one picture alone; pictures aren't compressed twice.
    """
    packed = {name: "zstd" for name in table.column_names if name != "image"} | {"image": "none"}
    pq.write_table(table, path, row_group_size=ROW_GROUP, compression=packed, use_dictionary=False)
