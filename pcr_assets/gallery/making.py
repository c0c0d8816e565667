"""The making of what the gallery keeps of one set, from its processed cards, into the store: tasks of an engine."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pcr_assets import digests, layout
from pcr_assets.cards.names import file_label
from pcr_assets.gallery import embeddings, references
from pcr_assets.resources.ahead import Ahead
from pcr_assets.resources.artifacts import Artifacts, PublishedFile
from pcr_assets.resources.engine import Place
from pcr_assets.resources.store import open_store

if TYPE_CHECKING:
    from edge_runtime.embedder import OnnxEmbedder


@dataclass(frozen=True)
class SetOfCards:
    """A set that something lacks of. ``store`` is a folder or URL, ``inputs`` the digest of what it is made from.

    ``cards``: the shard of processed cards. For embeddings: the variant and its model, and ``earlier``: the set's shard
    published before, if it was made by the same model.
    """

    store: str
    set_id: str
    inputs: str
    cards: PublishedFile
    variant: str = ""
    model: PublishedFile | None = None
    earlier: PublishedFile | None = None


@dataclass(frozen=True)
class MadeSet:
    """A set's entry in the record, and its file in the store.

    ``fresh``: how many scans were made now; ``found``: a run before had made it.
    """

    entry: dict[str, Any]
    file: PublishedFile | None
    fresh: int = 0
    found: bool = False


def make_embeddings(request: SetOfCards, place: Place) -> MadeSet:
    """Find the shard of embeddings, or make it; it is in the store then. Raises StoreError, EmbedderError, KeyCollision."""
    store = place.open(request.store)
    artifacts, ahead = Artifacts(store), Ahead(store, layout.EMBEDDINGS)
    if found := ahead.find(request.inputs):
        return MadeSet(*found, found=True)
    assert request.model is not None
    vectors = {}
    if request.earlier:
        vectors = embeddings.known_vectors(embeddings.read_shard(artifacts.fetch_file(request.earlier)))
    embedder = _embedder(request.store, request.model, place.threads)
    table = embeddings.embed_shard(artifacts.fetch_file(request.cards), embedder, vectors, place.threads)
    fresh = sum(pixels not in vectors for pixels in table["pixel_digest"].to_pylist())
    digest = embeddings.shard_digest(table)
    label = file_label(request.set_id)
    name = f"{request.variant}/{label}-{digest[:16]}.parquet"
    path = place.folder / name.replace("/", "-")
    embeddings.write_shard(table, path)
    entry = {"file": name, "inputs": request.inputs, "digest": digest, "scans": len(table)}
    return MadeSet(entry, ahead.keep(request.inputs, entry, path, label), fresh)


@lru_cache(maxsize=2)
def _embedder(store: str, model: PublishedFile, threads: int) -> "OnnxEmbedder":
    """The model of a variant, fetched and opened once for all sets: that takes as long as to embed some cards."""
    from edge_runtime.embedder import OnnxEmbedder

    return OnnxEmbedder(Artifacts(open_store(store)).fetch_file(model), threads)


def make_pictures(request: SetOfCards, place: Place) -> MadeSet:
    """Find the archive of reference pictures, or make it; it is in the store then. Raises StoreError."""
    store = place.open(request.store)
    ahead = Ahead(store, layout.REFERENCES)
    if found := ahead.find(request.inputs):
        return MadeSet(*found, found=True)
    cards = Artifacts(store).fetch_file(request.cards)
    label = file_label(request.set_id)
    path = place.folder / f"{label}.zip"
    count = references.write_archive(cards, path, place.threads)
    digest = digests.of_file(path)
    name = f"{label}-{digest[:16]}.zip"
    entry = {"file": name, "inputs": request.inputs, "digest": digest, "scans": count}
    return MadeSet(entry, ahead.keep(request.inputs, entry, path, label), count)
