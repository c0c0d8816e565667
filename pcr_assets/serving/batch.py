"""``python -m pcr_assets.serving.batch FOLDER --output FILE``: a vector for each picture of a folder or a prefix.

The same handlers answer here as behind an endpoint. A picture that can't be read is quarantined with its reason, and counted.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from edge_runtime.terminal import on_one_line
from pcr_assets import layout
from pcr_assets.cards.names import is_picture
from pcr_assets.command_options import add_store, purpose
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import Missing, Shut, Store, StoreError, open_store
from pcr_assets.serving import archive, packing

AT_ONCE = 32
LINES, TABLE = ".jsonl", ".parquet"


class BatchError(Exception):
    """A batch can't be worked at; the message says what to do."""


@dataclass(frozen=True)
class Row:
    """One picture: its vector float32 [D], or why there is none."""

    key: str
    embedding: np.ndarray | None = None
    reason: str | None = None


def embed(store: Store, model: Path) -> Iterator[Row]:
    """A row for each picture, in the order of the listing. Raises StoreError and EmbedderError."""
    from edge_runtime.embedder import OnnxEmbedder
    from edge_runtime.inference import handlers
    from pcr_assets.cards.shards import MOST_BYTES, TOO_LARGE

    embedder = OnnxEmbedder(model)
    entries = (entry for entry in store.list() if is_picture(entry.key))
    while some := list(islice(entries, AT_ONCE)):
        rows: list[Row] = []
        cards: list[np.ndarray] = []
        contents = store.read_many(entry for entry in some if entry.size <= MOST_BYTES)
        for entry in some:
            if entry.size > MOST_BYTES:
                rows.append(Row(entry.key, reason=f"{entry.key} {TOO_LARGE}"))
                continue
            data = next(contents)
            if isinstance(data, Missing | Shut):
                rows.append(Row(entry.key, reason=str(data)))
                continue
            try:
                picture = handlers.input_fn(data, handlers.TAKEN[0])
            except handlers.Refused as refused:
                rows.append(Row(entry.key, reason=str(refused).replace("the upload", entry.key)))
                continue
            if isinstance(picture, handlers.Unreadable):
                rows.append(Row(entry.key, reason=picture.reason.replace("the upload", entry.key)))
                continue
            rows.append(Row(entry.key))
            cards.append(handlers.card_of(picture, embedder))
        vectors = iter(embedder.embed(np.stack(cards)) if cards else ())
        yield from (row if row.reason else Row(row.key, next(vectors)) for row in rows)


def refuse_unwritable(output: Path) -> None:
    """Raise BatchError for a file that :func:`write` can't write: to be asked before rows are paid for."""
    if output.suffix not in (LINES, TABLE):
        raise BatchError(f"{output} must end in {LINES} or {TABLE}: that says which it becomes")
    if not output.parent.is_dir():
        raise BatchError(f"there is no folder {output.parent}: make it, or name another output")
    if output.is_dir():
        raise BatchError(f"{output} is a folder: name a file in it")
    if not os.access(output.parent, os.W_OK):
        raise BatchError(f"nothing can be written into {output.parent}: name another output")


def write(rows: Iterable[Row], output: Path) -> tuple[int, list[Row]]:
    """Write rows as JSON lines or Parquet, by the file's ending, in one step; gives how many have a vector, and the others.

    Parquet has the columns key, embedding and reason; one of the last two is null. Raises BatchError.
    """
    refuse_unwritable(output)
    good, bad = 0, []
    try:
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=".batch-") as aside:
            file = Path(aside, output.name)
            with _lines(file) if output.suffix == LINES else _table(file) as put:
                for row in rows:
                    put(row)
                    good += row.embedding is not None
                    if row.reason:
                        bad.append(row)
            file.replace(output)
    except OSError as error:  # of the output: what gives rows has errors of its own
        raise BatchError(
            f"{output} can't be written ({error.strerror or error}): make room, or name another output"
        ) from error
    return good, bad


@contextmanager
def _lines(path: Path) -> Iterator[Any]:
    with path.open("w") as file:
        yield lambda row: file.write(json.dumps(_as_json(row), ensure_ascii=False) + "\n")


def _as_json(row: Row) -> dict[str, Any]:
    if row.embedding is None:
        return {"key": row.key, "quarantined": row.reason}
    return {"key": row.key, "embedding": row.embedding.tolist()}


@contextmanager
def _table(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("key", pa.string()), ("embedding", pa.list_(pa.float32())), ("reason", pa.string())])
    waiting: list[Row] = []
    with pq.ParquetWriter(path, schema) as file:

        def flush() -> None:
            columns = {
                "key": [row.key for row in waiting],
                "embedding": [row.embedding for row in waiting],
                "reason": [row.reason for row in waiting],
            }
            file.write_table(pa.table(columns, schema))
            waiting.clear()

        def put(row: Row) -> None:
            waiting.append(row)
            if len(waiting) == AT_ONCE * 32:
                flush()

        yield put
        flush()


def model_file(named: str, artifacts: Artifacts, work: Path) -> Path:
    """The ONNX file of a model of the project, of an archive, or the file itself. Raises BatchError, ArtifactMissing."""
    if named in packing.SOURCES:
        onnx = packing.SOURCES[named].onnx
        if onnx:
            return artifacts.fetch(artifacts.current(onnx[0]), onnx[1])
        packages = artifacts.current(layout.PACKAGES)
        found = [each.file for each in packing.packed_in(packages) if each.model == named]
        if not found:
            raise BatchError(f"{named} is not packed: name it in serving.pack, then `make build ASSET=model_packages`")
        return archive.unpack(artifacts.fetch(packages, found[0]), work)
    file = Path(named)
    if not file.is_file():
        raise BatchError(f"{named} is no file, and no model of the project: those are {', '.join(packing.SOURCES)}")
    return archive.unpack(file, work) if file.name.endswith(".tar.gz") else file


def told(output: Path, good: int, bad: Sequence[Row]) -> int:
    """Say what became of the pictures. Exit code: 0, quarantined ones included; 1 where none at all was embedded."""
    for row in bad:
        print(on_one_line(f"quarantined  {row.reason}"), file=sys.stderr)
    print(f"{output}: {good} embedded, {len(bad)} quarantined")
    return 0 if good or not bad else 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Exit code: 0 done, quarantined pictures included; 1 nothing was written, or no picture was embedded."""
    from edge_runtime.embedder import EmbedderError

    parser = argparse.ArgumentParser(prog="python -m pcr_assets.serving.batch", description=purpose(__doc__))
    parser.add_argument("pictures", metavar="FOLDER", help="a folder, or s3://BUCKET/PREFIX")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help=f"ends in {LINES} or {TABLE}")
    parser.add_argument(
        "--model", default="efficientnet-student-stage2", help="a model of the project, model.tar.gz, or .onnx"
    )
    add_store(parser, "where the project's models are")
    given = parser.parse_args(argv)
    try:
        if "://" not in given.pictures and not Path(given.pictures).is_dir():
            raise BatchError(f"there is no folder {given.pictures}")
        with tempfile.TemporaryDirectory() as work:
            model = model_file(given.model, Artifacts(open_store(f"{given.store}/{layout.PROJECT}")), Path(work))
            good, bad = write(embed(open_store(given.pictures), model), given.output)
    except (BatchError, StoreError, EmbedderError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return told(given.output, good, bad)


if __name__ == "__main__":
    sys.exit(main())
