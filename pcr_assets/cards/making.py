"""The making of one set's shard of processed cards, from the raw folder into the store: a task of an engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pcr_assets import layout
from pcr_assets.cards import shards
from pcr_assets.cards.listing import Scan
from pcr_assets.cards.names import file_label
from pcr_assets.resources.ahead import Ahead
from pcr_assets.resources.artifacts import Artifacts, PublishedFile
from pcr_assets.resources.engine import Place
from pcr_assets.resources.store import Entry


@dataclass(frozen=True)
class SetOfScans:
    """A set whose shard lacks. ``store`` and ``raw`` are folders or URLs, ``inputs`` the digest of what it is made from.

    ``last``: the set's shard published before, by its name in the artifact; ``last_inputs``: what that was made from.
    """

    store: str
    raw: str
    set_id: str
    inputs: str
    scans: tuple[Scan, ...]
    last: dict[str, PublishedFile]
    last_inputs: str | None = None


@dataclass(frozen=True)
class MadeShard:
    """A set's entry in the record, and its shard in the store (None: no card). ``found``: a run before had made it.

    ``path``: the shard in the scratch folder; it is told to nobody on another machine.
    """

    entry: dict[str, Any]
    file: PublishedFile | None
    found: bool = False
    path: Annotated[Path | None, Field(exclude=True)] = None


def make_shard(request: SetOfScans, place: Place) -> MadeShard:
    """Find the shard, or make it; it is in the store then, under its digest. Raises StoreError."""
    store = place.open(request.store)
    ahead = Ahead(store, layout.PROCESSED)
    if found := ahead.find(request.inputs):
        return MadeShard(*found, found=True)
    known = _known_rows(Artifacts(store), ahead, request)
    shard = shards.build_shard(request.set_id, request.scans, place.open(request.raw), place.threads, known)
    name = f"shards/{shard.file_name}" if shard.table.num_rows else ""
    made = request.last.get(name)  # the same pixels as before: the published file serves
    path = place.folder / shard.file_name if name and not made else None
    if path:
        shards.write_table(shard.table, path)
    entry = shards.entry(shard, name, request.inputs)
    label, about = file_label(request.set_id), shards.made_of(request.scans)
    file = ahead.keep(entry["inputs"], entry, made or path, label, about)
    return MadeShard(entry, file, path=path)


def _known_rows(artifacts: Artifacts, ahead: Ahead, request: SetOfScans) -> Mapping[Entry, Mapping[str, Any]]:
    """The rows of the set's published shard, by the files that they were made of."""
    made = ahead.about(request.last_inputs) if request.last_inputs and request.last else None
    if not made:
        return shards.NOTHING
    (file,) = request.last.values()
    return shards.known_rows(artifacts.fetch_file(file), made)
