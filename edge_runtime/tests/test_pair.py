import numpy as np
import pytest

from edge_runtime.embedder import OnnxEmbedder
from edge_runtime.gallery import Gallery, GalleryError
from edge_runtime.judging.references import References
from edge_runtime.pair import require_pair
from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.release import open_release


class Otherwise:
    """A model that sees cards otherwise than the one the index was made with, in vectors of the same length."""

    def __init__(self, embedder, see):
        self._embedder, self._see = embedder, see
        self.input_size, self.dim = embedder.input_size, embedder.dim

    def embed(self, cards):
        return self._embedder.embed(np.ascontiguousarray(self._see(cards)))


@pytest.fixture
def release(publisher):
    return open_release(publisher.releases, publisher.trusted)


@pytest.fixture
def parts(release):
    variant = release.variant()
    gallery = Gallery.open(variant.index, release.catalogue)
    return OnnxEmbedder(variant.model, threads=1), gallery, References(release.references)


def test_a_model_fits_the_index_made_with_it(parts):
    require_pair(*parts)


@pytest.mark.parametrize(
    "see",
    [
        lambda cards: cards[..., ::-1],
        lambda cards: cards[:, ::-1],
        lambda cards: cards[:, :, :, [0, 0, 0]],
        lambda cards: 255 - cards,
    ],
    ids=["blue for red", "upside down", "one colour", "negative"],
)
def test_a_model_that_sees_otherwise_is_refused_with_this_index(parts, see):
    embedder, gallery, references = parts
    with pytest.raises(GalleryError, match="the index was not made with this model"):
        require_pair(Otherwise(embedder, see), gallery, references)


def test_without_pictures_there_is_nothing_to_ask(parts):
    embedder, gallery, _ = parts
    require_pair(Otherwise(embedder, lambda cards: 255 - cards), gallery, References(()))


def test_a_release_whose_index_was_made_with_another_model_is_not_opened(publisher, index_of, scans):
    index_of(publisher, {card_id: scan[:, :, ::-1] for card_id, scan in scans.items()})
    with pytest.raises(GalleryError, match="publish the release again"):
        Recognizer.open(open_release(publisher.releases, publisher.trusted))
