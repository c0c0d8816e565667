"""Which cards a release is judged by."""

from pcr_assets.gallery.evidence import DRAWS, camera_of, evenly, held_out, newcomers

SPLITS = {"a": "train", "b": "validation", "c": "validation", "d": "test", "e": "test", "f": "test"}
ROWS = [{"card_id": card_id, "split": split, "pixel_digest": f"scan of {card_id}"} for card_id, split in SPLITS.items()]


def cards(found):
    return {split: [row["card_id"] for row in rows] for split, rows in found.items()}


def test_all_held_out_cards_are_asked_for_while_art_is_grouped_as_it_was():
    assert cards(held_out(ROWS, {card_id: card_id for card_id in SPLITS})) == {
        "validation": ["b", "c"],
        "test": ["d", "e", "f"],
    }


def test_cards_that_are_known_by_now_to_share_their_art_with_a_training_card_are_not_asked_for():
    """Nor test cards that share it with a validation card: thresholds were made from that one."""
    groups = {"a": "a", "b": "a", "c": "c", "d": "a", "e": "c", "f": "f"}
    assert cards(held_out(ROWS, groups)) == {"validation": ["c"], "test": ["f"]}


def test_new_cards_are_asked_for_whose_art_nothing_learned_from():
    scans = [{"card_id": card_id, "pixel_digest": f"scan of {card_id}"} for card_id in "abcdefghij"]
    groups = {"h": "a", "i": "d", **{card_id: card_id for card_id in "abcdefgj"}}
    assert [scan["card_id"] for scan in newcomers(scans, ROWS, groups, most=9)] == ["g", "i", "j"]
    assert [scan["card_id"] for scan in newcomers(scans, ROWS, groups, most=2)] == ["g", "j"]
    assert newcomers(scans[:6], ROWS, groups, most=9) == []


def test_a_card_that_got_another_id_is_not_new_where_something_learned_from_it():
    """A set was renamed, and of ten cards that no model had learned from, by the report, three were training cards."""
    ids = {"a": "A", "b": "B", "d": "D"}  # a training, a validation, and a test card
    scans = [{"card_id": new, "pixel_digest": f"scan of {old}"} for old, new in ids.items()]
    scans += [{"card_id": card_id, "pixel_digest": f"scan of {card_id}"} for card_id in "Tg"]
    groups = {"T": "A", **{card_id: card_id for card_id in "abcdefABDg"}}  # T shows the art of A
    assert [scan["card_id"] for scan in newcomers(scans, ROWS, groups, most=9)] == ["D", "g"]


def test_of_too_many_strangers_those_that_are_asked_about_come_from_all_of_them():
    """757 pictures lie in the order of their names, a game after the other: the first 400 are those of seven games of thirteen."""
    strangers = [f"{game}_{number:02}.webp" for game in "abcdefghijklm" for number in range(58)]
    asked = evenly(strangers, 400)
    assert len(set(asked)) == 400
    assert {name[0] for name in asked} == set("abcdefghijklm")
    assert evenly(strangers[:5], 400) == strangers[:5]
    assert evenly(strangers, 0) == evenly([], 400) == []


def test_each_split_has_a_camera_of_its_own_for_each_card_and_the_same_one_each_time():
    drawn = {(split, index): camera_of(0, index, split).random() for split in DRAWS for index in range(3)}
    assert len(set(drawn.values())) == 9
    assert camera_of(0, 2, "test").random() == drawn["test", 2]
