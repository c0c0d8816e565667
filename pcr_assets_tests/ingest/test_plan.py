"""What is there already, under whichever name."""

from pcr_assets.ingest.plan import make_plan, pictures
from pcr_assets.ingest.sources import Card
from pcr_assets.resources.store import Entry


def cards(*card_ids, lang="en"):
    found = []
    for card_id in card_ids:
        set_id, _, number = card_id.rpartition("-")
        found.append(
            Card(card_id, set_id, number, "Pikachu", lang, "Pokemon TCG", f"https://images.example/{card_id}.png")
        )
    return found


def wanted(plan):
    return [scan.key for scan in plan.wanted]


def test_a_scan_under_its_own_name_is_there():
    plan = make_plan(cards("base1-58", "base1-59"), {"base1-58_Pikachu.png"}, {})
    assert [scan.key for scan in plan.held] == ["base1-58_Pikachu.png"]
    assert wanted(plan) == ["base1-59_Pikachu.png"]


def test_a_scan_that_is_called_otherwise_is_there_too():
    keys = {"old/Pikachu-en_base_base1_58_high.png", "IMG_1.png"}
    plan = make_plan(cards("base1-58", "base1-59"), keys, {"IMG_1.png": {"card_id": "base1-59"}})
    assert wanted(plan) == []
    assert [card.card_id for card in plan.known] == ["base1-58", "base1-59"]


def test_a_row_whose_scan_is_gone_does_not_count():
    plan = make_plan(cards("base1-58"), set(), {"base1-58_Pikachu.png": {"card_id": "base1-58"}})
    assert wanted(plan) == ["base1-58_Pikachu.png"]


def test_a_scan_in_another_language_does_not_count():
    keys = {"fr/base1-58_Pikachu.png", "mine.png"}
    rows = {"mine.png": {"card_id": "base1-59", "lang": "de"}}
    assert wanted(make_plan(cards("base1-58", "base1-59"), keys, rows)) == [
        "base1-58_Pikachu.png",
        "base1-59_Pikachu.png",
    ]
    assert wanted(make_plan(cards("base1-58", lang="fr"), keys, rows)) == []


def test_an_empty_file_and_what_is_no_picture_are_no_scans():
    entries = [
        Entry("base1-1_A.png", 0, ""),
        Entry("cards.csv", 9, ""),
        Entry("base1-2_B.png", 9, ""),
        Entry("sub/", 0, ""),
    ]
    assert pictures(entries) == {"base1-2_B.png"}


def test_a_card_that_is_published_twice_is_fetched_once():
    assert wanted(make_plan(cards("base1-58", "base1-58"), set(), {})) == ["base1-58_Pikachu.png"]


def test_every_card_is_in_one_of_the_lists():
    found = [*cards("base1-1", "base1-2", "../x"), Card("base1-3", "base1", "3", "Chansey", "en", "Pokemon TCG", "")]
    plan = make_plan(found, {"base1-2_Pikachu.png"}, {})
    assert plan.count == 4
    assert (len(plan.wanted), len(plan.held), len(plan.unsafe), len(plan.pictureless)) == (1, 1, 1, 1)
