"""Random access to the pictures of processed cards over many shards. Of a scan its ids stay in memory, and no picture."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pcr_assets.cards.shards import SCHEMA

FOOTERS = 1024
"""Shards whose footer stays in memory: 3 kB for each scan in it. To read one again takes 4 µs of CPU for each scan in it."""


class CardImages:
    """The scans of some shards, numbered in the order of the files and of the rows in them.

    Holds whose scan each is, and no picture and no open file: it may be shared by threads, pickled, and carried over a fork.
    Reading costs 0.2 ms a picture beside the decoding. No shard is ever written over: its name holds a digest.
    """

    columns = ("card_id", "view", "name")

    def __init__(self, shards: Sequence[Path | str]):
        self.shards = [Path(shard) for shard in shards]
        self._groups = [_group_starts(_footer(shard)) for shard in self.shards]
        tables = [pq.read_table(shard, columns=list(self.columns)) for shard in self.shards]
        none = SCHEMA.empty_table().select(self.columns)
        # One table, for as dicts each scan would take 2 kB more. Shards that others wrote may have wider integers.
        self.scans: pa.Table = pa.concat_tables([none, *tables], promote_options="permissive").combine_chunks()
        self._starts = np.cumsum([0, *(table.num_rows for table in tables)])
        ids = zip(self.scans["card_id"].to_pylist(), self.scans["view"].to_pylist(), strict=True)
        self._places = {place: index for index, place in enumerate(ids)}

    def __len__(self) -> int:
        return len(self.scans)

    def row(self, card_id: str, view: int = 0) -> int:
        """The number of a card's scan. Raises KeyError."""
        return self._places[card_id, view]

    def image(self, index: int) -> np.ndarray:
        """The picture of a scan, uint8 RGB H×W×3. Raises IndexError, and ValueError when it doesn't decode."""
        image = cv2.imdecode(np.frombuffer(self.jpeg(index), np.uint8), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise ValueError(f"the picture of {self.scans['card_id'][index]} does not decode: rebuild processed_cards")
        return image

    def jpeg(self, index: int) -> bytes:
        """The picture of a scan as it lies in its shard. Raises IndexError."""
        if not 0 <= index < len(self):
            raise IndexError(f"scan {index} of {len(self)}")
        shard = int(np.searchsorted(self._starts, index, side="right")) - 1
        row = index - int(self._starts[shard])
        group = int(np.searchsorted(self._groups[shard], row, side="right")) - 1
        with pq.ParquetFile(self.shards[shard], metadata=_footer(self.shards[shard]), memory_map=True) as file:
            pictures = file.read_row_group(group, columns=["image"], use_threads=False)["image"]
        return pictures[row - int(self._groups[shard][group])].as_py()


@lru_cache(maxsize=FOOTERS)
def _footer(shard: Path) -> pq.FileMetaData:
    """Where in a shard its row groups lie, kept for all readers of this process: a training opens the same shards thrice."""
    return pq.read_metadata(shard)


def _group_starts(layout: pq.FileMetaData) -> np.ndarray:
    sizes = [layout.row_group(group).num_rows for group in range(layout.num_row_groups)]
    return np.cumsum([0, *sizes])[:-1]
