"""Reading single pictures out of many shards."""

import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import pyarrow.parquet as pq
import pytest

from pcr_assets.cards import reader
from pcr_assets.cards.reader import CardImages
from pcr_assets.cards.shards import build_shard, write_table
from pcr_assets_tests.cards.drawn import card, listed, raw_folder

SEEDS = {"base1": range(1, 12), "base2": range(1, 4)}


@pytest.fixture(scope="module")
def cards(tmp_path_factory) -> CardImages:
    folder = tmp_path_factory.mktemp("shards")
    drawn = {f"{s}_{n}": card(hash_of(s, n)) for s, numbers in SEEDS.items() for n in numbers}
    raw = raw_folder(folder / "raw", **drawn)
    paths = []
    for set_id, scans in listed(raw).scans.items():
        paths.append(folder / f"{set_id}.parquet")
        write_table(build_shard(set_id, scans, raw).table, paths[-1])
    return CardImages(paths)


def hash_of(set_id: str, number: int) -> int:
    return number + 100 * (set_id == "base2")


def test_every_card_is_found_by_its_id_wherever_it_lies(cards):
    assert len(cards) == 14
    for set_id, numbers in SEEDS.items():
        for number in numbers:
            image = cards.image(cards.row(f"{set_id}-{number}"))
            assert np.abs(image.astype(int) - card(hash_of(set_id, number))).mean() < 2


def test_a_copy_in_another_process_reads_the_same(cards):
    copy = pickle.loads(pickle.dumps(cards))
    assert [copy.jpeg(index) for index in range(len(copy))] == [cards.jpeg(index) for index in range(len(cards))]


def test_threads_may_share_it(cards):
    wanted = list(range(len(cards))) * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(cards.jpeg, wanted))
    assert found == [cards.jpeg(index) for index in wanted]


@pytest.mark.parametrize("index", [-1, 14])
def test_a_row_beyond_the_last_is_refused(cards, index):
    with pytest.raises(IndexError, match="of 14"):
        cards.image(index)


def test_of_more_shards_than_have_their_footer_in_memory_each_picture_is_still_found(cards, monkeypatch):
    expected = [cards.jpeg(index) for index in range(len(cards))]
    monkeypatch.setattr(reader, "_footer", lru_cache(1)(pq.read_metadata))
    turns = [0, 13, 1, 12, 2, 11]
    assert [cards.jpeg(index) for index in turns] == [expected[index] for index in turns]


def test_little_stays_in_memory_of_a_scan(cards):
    tracemalloc.start()
    many = CardImages(cards.shards * 100)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (held + many.scans.nbytes) / len(many) < 500


def test_of_no_shards_there_are_no_pictures():
    assert len(CardImages([])) == 0 == CardImages([]).scans.num_rows
