"""The training snapshot: when it moves, and how it is split."""

from collections import Counter, defaultdict

import pyarrow as pa
import pytest
from pydantic import ValidationError

from pcr_assets.cards.settings import SnapshotSettings
from pcr_assets.cards.snapshot import TooFewCards, pin, reason_to_move, split_of, write

SETTINGS = SnapshotSettings()


def ids(count: int, set_id: str = "base1") -> list[str]:
    return [f"{set_id}-{number}" for number in range(count)]


def rows(card_ids: list[str]) -> list[dict]:
    return [
        {"card_id": card_id, "view": 0, "set": card_id.split("-")[0], "name": "Mew", "pixel_digest": card_id}
        for card_id in card_ids
    ]


def pinned(count: int) -> pa.Table:
    return pin(rows(ids(count)), {card_id: card_id for card_id in ids(count)}, SETTINGS)


def of_sets(*card_ids: str) -> dict[str, str]:
    return {card_id: card_id.split("-")[0] for card_id in card_ids}


def test_the_first_snapshot_says_that_there_was_none():
    assert reason_to_move(SETTINGS, None, of_sets(*ids(4)), None) == (True, "there was none")


@pytest.mark.parametrize(("new", "moves"), [(0, False), (24, False), (25, True)])
def test_it_moves_when_a_quarter_of_new_cards_came(new, moves):
    moved, why = reason_to_move(SETTINGS, pinned(100), of_sets(*ids(100), *ids(new, "base2")), 1)
    few = "" if moves else ", fewer than 25%"
    assert (moved, why) == (moves, f"{new} cards came to the 100 of the last snapshot{few}")


def test_cards_that_went_or_were_replaced_do_not_move_it():
    moved, _ = reason_to_move(SETTINGS, pinned(100), of_sets(*ids(60)), 1)
    assert not moved


def test_it_moves_for_a_new_set_that_is_recognised_worse_while_its_cards_are_there():
    cards, said = of_sets(*ids(100), *ids(12, "base2")), "int8 answers half of base2"
    assert reason_to_move(SETTINGS, pinned(100), cards, 1, ["base2"], said) == (True, said)
    moved, why = reason_to_move(SETTINGS, pinned(100), of_sets(*ids(101)), 1, ["base2"], said)
    assert not moved
    assert why.endswith("fewer than 25%; none is of base2, which the report found recognised worse")


def test_it_says_why_it_stays():
    moved, why = reason_to_move(SETTINGS, pinned(100), of_sets(*ids(100)), 1, [], "all is well")
    assert (moved, why) == (False, "0 cards came to the 100 of the last snapshot, fewer than 25%; all is well")


def test_a_new_generation_moves_it():
    found = reason_to_move(SnapshotSettings(generation=2), pinned(100), of_sets(*ids(100)), 1)
    assert found == (True, "generation 2 was asked for")


def test_other_shares_of_the_splits_move_it():
    """Else the changed setting would say nothing until the gallery has grown by a quarter."""
    found = reason_to_move(SnapshotSettings(test=0.2), pinned(100), of_sets(*ids(100)), 1)
    assert found == (True, "other shares were asked for, which put 16 of 100 scans into another split")


def test_the_same_cards_give_the_same_bytes_in_whatever_order_they_come(tmp_path):
    groups = {card_id: card_id for card_id in ids(50)}
    for name, cards in (("one", rows(ids(50))), ("other", rows(ids(50))[::-1])):
        write(pin(cards, groups, SETTINGS), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_cards_of_one_art_are_never_split():
    groups = {card_id: f"base1-{number // 3}" for number, card_id in enumerate(ids(300))}
    splits = defaultdict(set)
    for row in pin(rows(ids(300)), groups, SETTINGS).to_pylist():
        splits[row["art_group"]].add(row["split"])
    assert all(len(found) == 1 for found in splits.values())


def test_a_tenth_validates_and_a_tenth_tests():
    counts = Counter(split_of(card_id, SETTINGS) for card_id in ids(4000))
    assert 340 < counts["validation"] < 460
    assert 340 < counts["test"] < 460


def test_a_card_keeps_its_split_when_others_come():
    few, many = (pin(rows(ids(n)), {i: i for i in ids(n)}, SETTINGS).to_pylist() for n in (50, 90))
    later = {row["card_id"]: row["split"] for row in many}
    assert all(later[row["card_id"]] == row["split"] for row in few)


def test_fractions_must_leave_cards_to_train_on():
    with pytest.raises(ValidationError, match="leave some to train on"):
        SnapshotSettings(validation=0.5, test=0.5)


def test_cards_that_leave_a_split_empty_are_refused_with_the_cure():
    with pytest.raises(TooFewCards, match=r"of 3 scans none is in the .* split: put more cards"):
        pin(rows(ids(3)), {card_id: card_id for card_id in ids(3)}, SETTINGS)
