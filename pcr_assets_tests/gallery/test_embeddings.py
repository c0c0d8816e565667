"""A shard of embeddings holds what the edge would compute, and only shards whose inputs changed are computed."""

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from edge_runtime.geometry import full_frame, rectify
from pcr_assets import digests
from pcr_assets.gallery.embeddings import (
    embed_shard,
    embedder_digest,
    inputs_digest,
    known_vectors,
    read_shard,
    rectified,
    sample_of_sets,
    shard_digest,
    vectors_of,
    write_shard,
)
from pcr_assets.gallery.keys import KeyCollision, card_key
from pcr_assets_tests.small_student import painted_cards


class MeanColours:
    """An embedder that remembers what it was shown: the mean colour of each quarter, scaled to length 1."""

    input_size = (16, 24)
    dim = 12

    def __init__(self):
        self.seen = []

    def embed(self, cards):
        self.seen.append(cards)
        quarters = [cards[:, y : y + 12, x : x + 8].mean(axis=(1, 2)) for y in (0, 12) for x in (0, 8)]
        vectors = np.concatenate(quarters, axis=1) + 1
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def processed(path, views, seed=0):
    """A processed shard with one painted card for each (card_id, view)."""
    cards = painted_cards(len(views), seed, size=(96, 132))
    jpegs = [cv2.imencode(".jpg", card[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes() for card in cards]
    columns = {
        "card_id": pa.array([card_id for card_id, _ in views], pa.string()),
        "view": pa.array([view for _, view in views], pa.int32()),
        "pixel_digest": pa.array([digests.of_bytes(jpeg) for jpeg in jpegs], pa.string()),
        "image": pa.array(jpegs, pa.binary()),
    }
    pq.write_table(pa.table(columns), path)
    return path


def test_each_view_gets_its_key_and_the_vector_of_the_rectified_card(tmp_path):
    views = [(f"base1-{n}", 0) for n in range(40)] + [("base1-3", 1)]
    path = processed(tmp_path / "cards.parquet", views)
    shard = embed_shard(path, MeanColours())
    assert shard.schema == pa.schema(
        {
            "card_id": pa.string(),
            "view": pa.int32(),
            "pixel_digest": pa.string(),
            "key": pa.uint64(),
            "embedding": pa.list_(pa.float32(), 12),
        }
    )
    assert shard["key"].to_pylist() == [card_key(*view) for view in views]
    cards = [rectified(image, (16, 24)) for image in pq.read_table(path)["image"].to_pylist()]
    np.testing.assert_array_equal(vectors_of(shard), MeanColours().embed(np.stack(cards)))


def test_cards_are_cut_out_by_the_edges_own_rectifier(tmp_path):
    path, embedder = processed(tmp_path / "cards.parquet", [("base1-4", 0)]), MeanColours()
    embed_shard(path, embedder)
    jpeg = pq.read_table(path)["image"][0].as_py()
    scan = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(embedder.seen[0][0], rectify(scan, full_frame(96, 132), (16, 24)))


def test_only_cards_whose_pixels_are_new_are_embedded(tmp_path):
    before = embed_shard(processed(tmp_path / "before.parquet", [("a-1", 0), ("a-2", 0)]), MeanColours())
    more, embedder = processed(tmp_path / "more.parquet", [("a-1", 0), ("a-2", 0), ("a-3", 0)]), MeanColours()
    shard = embed_shard(more, embedder, known_vectors(before))
    assert [len(cards) for cards in embedder.seen] == [1]
    assert shard_digest(shard) == shard_digest(embed_shard(more, MeanColours()))


def test_a_shard_comes_back_from_its_file_with_the_same_digest(tmp_path):
    shard = embed_shard(processed(tmp_path / "cards.parquet", [("a-1", 0), ("a-2", 0)]), MeanColours())
    write_shard(shard, tmp_path / "shard.parquet")
    assert shard_digest(read_shard(tmp_path / "shard.parquet")) == shard_digest(shard)


@pytest.mark.parametrize("views", [[("a-1", 0), ("a-3", 0)], [("a-1", 0), ("a-2", 1)], [("a-1", 0)]])
def test_other_cards_views_or_counts_give_another_digest(tmp_path, views):
    shard = embed_shard(processed(tmp_path / "1.parquet", [("a-1", 0), ("a-2", 0)]), MeanColours())
    other = embed_shard(processed(tmp_path / "2.parquet", views), MeanColours())
    assert shard_digest(other) != shard_digest(shard)


def test_a_set_without_cards_is_an_empty_shard(tmp_path):
    shard = embed_shard(processed(tmp_path / "cards.parquet", []), MeanColours())
    assert vectors_of(shard).shape == (0, 12)


def test_a_view_that_comes_twice_is_refused(tmp_path):
    with pytest.raises(KeyCollision, match="a-1/0"):
        embed_shard(processed(tmp_path / "cards.parquet", [("a-1", 0), ("a-1", 0)]), MeanColours())


def test_the_inputs_are_the_cards_the_model_and_the_size():
    digests = {
        inputs_digest("cards", "model", (160, 224)),
        inputs_digest("other cards", "model", (160, 224)),
        inputs_digest("cards", "other model", (160, 224)),
        inputs_digest("cards", "model", (224, 160)),
    }
    assert len(digests) == 4
    makers = {embedder_digest(*made) for made in (("model", (160, 224)), ("other", (160, 224)), ("model", (224, 160)))}
    assert len(makers) == 3


def test_a_sample_has_enough_scans_whatever_sets_are_called_and_however_large_they_are():
    """Of a tiny set that comes first, and nothing else, the gauge of collapse would say that all is well."""
    assert sample_of_sets({"a": 1, "b": 4387}, 2000) == ["a", "b"]
    assert sample_of_sets({f"{n:03}": 100 for n in range(100)}, 2000) == [f"{n:03}" for n in range(0, 100, 5)]
    assert sample_of_sets({"a": 5, "b": 5}, 2000) == ["a", "b"]


def test_a_sample_opens_no_more_shards_than_it_must_though_all_sets_are_tiny():
    sets = {f"{n:05}": 2 for n in range(10_000)}
    assert sample_of_sets(sets, 2000, most=200) == sorted(sets)[::50]
    assert len(sample_of_sets({**sets, "large": 4387}, 2000, most=200)) == 200
    assert sample_of_sets({f"{n:02}": 2 for n in range(30)}, 2000, most=20) == [
        f"{n:02}" for n in (*range(0, 30, 2), *range(1, 10, 2))
    ]
