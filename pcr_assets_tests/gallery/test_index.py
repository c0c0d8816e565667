"""An index that was updated set by set answers exactly like one built afresh."""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pcr_assets.gallery import index
from pcr_assets.gallery.embeddings import read_shard, shard_digest, vectors_of, write_shard
from pcr_assets.gallery.index import SetShard, index_digest, save_index, update_index
from pcr_assets.gallery.keys import KeyCollision, card_key

DIMENSIONS = 24


def vectors(rng, count):
    found = rng.normal(size=(count, DIMENSIONS)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def shard(folder, name, cards):
    """The shard of a set from {card number: vector}."""
    ids = [f"{name}-{number}" for number in cards]
    table = pa.table(
        {
            "card_id": ids,
            "view": pa.array([0] * len(ids), pa.int32()),
            "key": pa.array([card_key(card_id, 0) for card_id in ids], pa.uint64()),
            "embedding": pa.FixedSizeListArray.from_arrays(
                pa.array(np.array(list(cards.values()), np.float32).ravel(), pa.float32()), DIMENSIONS
            ),
        }
    )
    digest = shard_digest(table)
    path = folder / f"{name}-{digest[:12]}.parquet"
    write_shard(table, path)
    return SetShard(digest, lambda: path)


def answers(index, queries, count=10):
    """Similarities and keys of the best ``count``; equal similarities in the order of their keys."""
    found = index.search(queries, min(len(index), count + 20), exact=True)
    order = np.lexsort((found.keys, found.distances), axis=-1)[:, :count]
    return np.take_along_axis(found.distances, order, 1), np.take_along_axis(found.keys, order, 1)


def changed(rng, gallery):
    """One random change: a set is added, removed, shrunk, or gets a card replaced."""
    gallery = {name: dict(cards) for name, cards in gallery.items()}
    name = str(rng.choice(sorted(gallery)))
    what = rng.integers(4)
    if what == 0 or len(gallery) < 3:
        numbers = range(int(rng.integers(0, 12)))
        gallery[f"set{rng.integers(10_000)}"] = dict(zip(numbers, vectors(rng, 12), strict=False))
    elif what == 1:
        del gallery[name]
    elif gallery[name] and what == 2:
        del gallery[name][int(rng.choice(list(gallery[name])))]
    elif gallery[name]:
        gallery[name][int(rng.choice(list(gallery[name])))] = vectors(rng, 1)[0]
    return gallery


@pytest.mark.parametrize("seed", range(4))
def test_after_random_changes_it_answers_like_a_fresh_one(tmp_path, seed):
    rng = np.random.default_rng(seed)
    gallery = {f"set{n}": dict(enumerate(vectors(rng, 15))) for n in range(5)}
    gallery["twins"] = dict.fromkeys(range(3), gallery["set0"][0])
    path: Path | None = None
    sets: Mapping[str, str] = {}
    incremental = 0
    for step in range(12):
        shards = {name: shard(tmp_path, name, cards) for name, cards in gallery.items()}
        update = update_index(path, sets, shards)
        fresh = update_index(None, {}, shards)
        incremental += not update.afresh
        queries = (
            np.concatenate([vectors(rng, 5), gallery["twins"][0][None]]) if "twins" in gallery else vectors(rng, 5)
        )
        for ours, theirs in zip(answers(update.index, queries), answers(fresh.index, queries), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert index_digest(update.index) == index_digest(fresh.index)
        assert len(update.index) == sum(len(cards) for cards in gallery.values())
        for name, cards in gallery.items():
            for number, vector in cards.items():
                held = update.index.get(card_key(f"{name}-{number}", 0))
                np.testing.assert_array_equal(held, vector.astype(np.float16))
        path, sets = tmp_path / f"{step}.usearch", update.sets
        save_index(update.index, path)
        gallery = changed(rng, gallery)
    assert incremental >= 9


@pytest.fixture
def saved(tmp_path):
    rng = np.random.default_rng(0)
    shards = {name: shard(tmp_path, name, dict(enumerate(vectors(rng, 10)))) for name in ("a", "b", "c")}
    update = update_index(None, {}, shards)
    save_index(update.index, tmp_path / "before.usearch")
    return tmp_path / "before.usearch", update.sets, shards


def test_it_touches_only_the_sets_that_changed(saved, tmp_path):
    path, sets, shards = saved
    other = shard(tmp_path, "b", dict(enumerate(vectors(np.random.default_rng(1), 4))))
    update = update_index(path, sets, {**shards, "b": other, "d": shard(tmp_path, "d", {})})
    assert (update.added, update.removed, update.afresh) == (("b", "d"), ("b",), False)
    assert len(update.index) == 24


def test_of_a_changed_set_only_the_rows_that_changed_are_written(saved, tmp_path):
    path, sets, shards = saved
    more = shard(tmp_path, "b", dict(enumerate([*vectors_of(read_shard(shards["b"].path)), np.eye(DIMENSIONS)[0]])))
    update = update_index(path, sets, {**shards, "b": more})
    save_index(update.index, tmp_path / "after.usearch")
    before, after = path.read_bytes(), (tmp_path / "after.usearch").read_bytes()
    matrix = 8 + 30 * DIMENSIONS * 2  # rows and columns, then 30 rows of 16-bit floats
    assert before[8:matrix] == after[8:matrix]
    assert len(update.index) == 31


def test_a_set_that_is_gone_is_gone_from_the_index(saved):
    path, sets, shards = saved
    update = update_index(path, sets, {"a": shards["a"], "b": shards["b"]})
    assert (update.added, update.removed, update.afresh) == ((), ("c",), False)
    assert not np.any(update.index.contains(np.array([card_key(f"c-{n}", 0) for n in range(10)], np.uint64)))


def test_nothing_changed_adds_and_removes_nothing(saved):
    path, sets, shards = saved
    update = update_index(path, sets, shards)
    assert (update.added, update.removed, update.afresh) == ((), (), False)


def test_of_sets_whose_keys_are_known_only_what_changed_is_fetched(saved, tmp_path):
    path, sets, shards = saved
    known = {name: np.array([card_key(f"{name}-{n}", 0) for n in range(10)], np.uint64) for name in shards}
    other = shard(tmp_path, "b", dict(enumerate(vectors(np.random.default_rng(1), 4))))
    unasked = {name: SetShard(shards[name].digest, lambda: pytest.fail("it was fetched")) for name in ("a", "c")}
    update = update_index(path, sets, {**unasked, "b": other}, known)
    assert index_digest(update.index) == index_digest(update_index(path, sets, {**shards, "b": other}).index)
    assert (update.added, update.removed, update.afresh) == (("b",), ("b",), False)


def test_keys_that_the_index_lacks_are_not_believed(saved):
    path, sets, shards = saved
    known = {name: np.array([card_key(f"{name}-{n}", 7) for n in range(10)], np.uint64) for name in shards}
    update = update_index(path, sets, shards, known)
    assert update.afresh
    assert index_digest(update.index) == index_digest(update_index(None, {}, shards).index)


def test_vectors_of_two_lengths_are_refused(saved, tmp_path, monkeypatch):
    path, sets, shards = saved
    monkeypatch.setattr(sys.modules[__name__], "DIMENSIONS", 8)
    other = shard(tmp_path, "b", dict(enumerate(vectors(np.random.default_rng(1), 4))))
    with pytest.raises(ValueError, match=r"\[8, 24\] numbers: embed all sets with one model"):
        update_index(path, sets, {**shards, "b": other})


def test_a_fresh_build_gives_the_same_file_each_time(saved, tmp_path):
    path, _, shards = saved
    save_index(update_index(None, {}, shards).index, tmp_path / "again.usearch")
    assert (tmp_path / "again.usearch").read_bytes() == path.read_bytes()


def test_an_index_that_lacks_kept_cards_is_built_afresh(saved, tmp_path):
    _, sets, shards = saved
    save_index(update_index(None, {}, {"a": shards["a"]}).index, tmp_path / "poor.usearch")
    update = update_index(tmp_path / "poor.usearch", sets, shards)
    assert update.afresh
    assert len(update.index) == 30


def test_an_index_of_which_most_was_replaced_is_built_afresh(saved, tmp_path):
    path, sets, shards = saved
    rng = np.random.default_rng(2)
    others = {name: shard(tmp_path, name, dict(enumerate(vectors(rng, 10)))) for name in ("b", "c")}
    assert update_index(path, sets, {"a": shards["a"], **others}).afresh


def test_a_card_that_stands_in_two_sets_is_refused(saved, tmp_path):
    _, _, shards = saved
    with pytest.raises(KeyCollision, match="a card id must be in one set only"):
        update_index(None, {}, {"a": shards["a"], "copy": shards["a"]})


def test_no_sets_at_all_is_an_error_with_a_cure():
    with pytest.raises(ValueError, match="put card scans into the raw folder"):
        update_index(None, {}, {})


def test_the_digest_changes_with_one_vector(saved, tmp_path):
    _, _, shards = saved
    cards = dict(enumerate(vectors(np.random.default_rng(0), 10)))
    cards[3] = -cards[3]
    assert index_digest(update_index(None, {}, {"a": shard(tmp_path, "a", cards)}).index) != index_digest(
        update_index(None, {}, {"a": shards["a"]}).index
    )


@pytest.mark.parametrize("together", (1, 12, 1000))
def test_an_index_built_by_all_cores_holds_what_one_core_builds(saved, tmp_path, monkeypatch, together):
    _, _, shards = saved
    shards = {**shards, "none": shard(tmp_path, "none", {})}
    alone = update_index(None, {}, shards)
    monkeypatch.setattr(index, "SIDE_BY_SIDE", 30)
    monkeypatch.setattr(index, "TOGETHER", together)
    side_by_side = update_index(None, {}, shards)
    assert index_digest(side_by_side.index) == index_digest(alone.index)
    assert side_by_side.added == alone.added


def test_its_digest_does_not_depend_on_how_many_vectors_are_fetched_at_once(saved, monkeypatch):
    path, sets, shards = saved
    update = update_index(path, sets, shards)
    whole = index_digest(update.index)
    monkeypatch.setattr(index, "PIECE", 7)
    assert index_digest(update.index) == whole


def test_of_a_large_gallery_the_rows_are_read_when_they_are_added(saved, monkeypatch):
    """Else the vectors of all sets lie in memory beside the index: 3 GB for a million scans."""
    _, _, shards = saved
    read = []
    monkeypatch.setattr(index, "read_shard", lambda path: read.append(path) or read_shard(path))
    lots = index._gathered(shards, {s: np.arange(10) for s in shards}, {s: np.ones(10, bool) for s in shards}, 1)
    next(lots)
    assert read == [shards["a"].path]
