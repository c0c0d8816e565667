"""What speaks against a release, and how the report reads."""

import re

from PIL import Image

from edge_runtime.gallery import Card, Match
from pcr_assets.gallery import judging, report
from pcr_assets.gallery.evidence import Subject
from pcr_assets.gallery.queries import Answers
from pcr_assets.gallery.report import objections
from pcr_assets.gallery.report_page import page
from pcr_assets.gallery.settings import ReportSettings
from pcr_assets_tests.gallery.test_judging import asked, clear, second_look, textured

__all__ = ["second_look"]

CARDS = {
    card_id: Card(card_id, card_id, "base1", "1", group) for card_id, group in (("a", "a"), ("b", "a"), ("c", "c"))
}


def matches(*found):
    return [Match(CARDS[card_id], similarity) for card_id, similarity in found]


ANSWERS = Answers(
    card_ids=["a", "b", "c"],
    art_groups=["a", "a", "c"],
    matches=[
        matches(("a", 0.9), ("b", 0.8), ("c", 0.1)),
        matches(("a", 0.7), ("b", 0.6), ("c", 0.3)),
        matches(("a", 0.4), ("c", 0.2)),
    ],
)


def judged(recall, high):
    found = {"recall_at_1": recall, "recall_at_5": recall, "art_recall_at_1": recall, "low": 0.0, "high": high}
    shares = {
        "answered": recall,
        "answered_high": high,
        "right": recall,
        "one of these": 0.0,
        "wrong": 0.0,
        "refused": 1 - recall,
    }
    return {
        "calibration": {"accept": 0.5},
        "recall": {"medium": {**found, "queries": 100, "same_card_cosine": 0.8}},
        "answers": {"medium": {**found, **shares, "queries": 100}},
        "sets": {"base1": {**found, **shares, "queries": 100}},
        "named": {
            "unknown cards": 0.01,
            "unknown cards asked": 100,
            "strangers": 0.0,
            "other printings": 0.0,
            "other printings asked": 2,
            "strangers asked": 0,
        },
        "reliability": [{"confidence": 0.9, "right": 0.8, "answers": 10}],
        "calibration_error": 0.1,
        "calibration_error_by_chance": 0.02,
        "confidences": {"right card": [0.8, 0.9], "card not in the gallery": [0.2], "strangers": []},
    }


def test_a_twin_named_for_a_card_is_wrong_for_the_card_and_right_for_the_art():
    found = ANSWERS.measured()
    assert (round(found["recall_at_1"], 2), round(found["art_recall_at_1"], 2)) == (0.33, 0.67)
    assert found["recall_at_5"] == 1.0


def test_a_release_is_refused_only_when_even_the_upper_end_of_its_interval_is_too_low():
    settings = ReportSettings(least_recall=0.9)
    assert objections({"int8": judged(0.88, 0.93)}, settings) == []
    (said,) = objections({"int8": judged(0.5, 0.6)}, settings)
    assert said.startswith("int8 finds 50.0% (0.0% to 60.0%) of 100")


def test_the_page_shows_numbers_and_photos_and_escapes_what_cards_are_called(tmp_path):
    Image.new("RGB", (64, 88), "white").save(tmp_path / "x.jpg")
    card = {"name": "<Mew>", "set": "base1", "number": "1", "confidence": 0.9, "status": "confirmed"}
    card["corners"] = [[0, 0], [60, 0], [60, 80], [0, 80]]
    report = {
        "cards": 3,
        "objections": [],
        "variants": {"int8": judged(0.95, 0.97)},
        "photos": {"outcomes": {"right": 1}, "verdicts": [], "photos": [{"photo": "x.jpg", "cards": [card]}]},
    }
    text = page(report, {}, {"x.jpg": tmp_path / "x.jpg"})
    assert "95.0%" in text
    assert "<td>base1</td>" in text
    assert "&lt;Mew&gt;" in text
    assert "<Mew>" not in text
    assert text.count("<figure>") == 1
    assert "<html lang=en>" in text
    assert all(alt.strip() for alt in re.findall(r"<img alt='([^']*)'", text)) and "<img src" not in text
    assert text.count("<div class=table role=group tabindex=0") == text.count("<table>") > 3
    assert "prefers-color-scheme:dark" in text


class Asked:
    """Answers for the cards of each split, and for strangers, in place of a model's."""

    def __init__(self, *_):
        pass

    def cards(self, split, strength):
        return (
            [asked(key) for key in range(9, 13)] if split == "test" else [*map(asked, range(1, 9)), clear(1), clear(2)]
        )

    def other_printings(self, split, strength):
        return [judging.Query(lambda number=number: textured(200 + number), asked(1).matches) for number in range(2)]

    def strangers(self):
        return [judging.Query(lambda number=number: textured(100 + number), asked(1).matches) for number in range(6)]


def test_a_variant_is_calibrated_on_validation_cards_and_half_of_the_strangers_and_judged_on_the_others(
    second_look, monkeypatch
):
    calibrate, judged = judging.calibrate, judging.judged
    learned, answered = [], []

    def calibrating(look, known, strange, **limits):
        learned.extend([*known, *strange])
        found = calibrate(look, known, strange, **limits)
        answered.clear()  # of what was asked to calibrate
        return found

    monkeypatch.setattr(report, "Asking", Asked)
    monkeypatch.setattr(judging, "calibrate", calibrating)
    monkeypatch.setattr(judging, "judged", lambda judge, queries: answered.extend(queries) or judged(judge, queries))
    record, _ = report.judge_variant(Subject(None, None, None, second_look), None, ReportSettings(strengths=["hard"]))
    learned_from, judged_by = ({query.picture().tobytes() for query in queries} for queries in (learned, answered))
    assert (len(learned_from), len(judged_by)) == (8 + 3, 4 + 3 + 2)
    assert not learned_from & judged_by
    assert (record["named"]["strangers asked"], record["named"]["other printings asked"]) == (3, 2)
    assert record["recall"]["hard"]["queries"] == record["named"]["unknown cards asked"] == 4
