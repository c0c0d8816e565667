"""What speaks against a release, and how the report reads."""

import re
from types import SimpleNamespace
from unittest.mock import MagicMock

from PIL import Image

from pcr_assets.gallery import judging, report, report_tables
from pcr_assets.gallery.evidence import Evidence, Subject
from pcr_assets.gallery.report import objections
from pcr_assets.gallery.report_page import WORDS, page
from pcr_assets.gallery.settings import ReportSettings
from pcr_assets_tests.gallery.drawn_queries import asked, clear, query, textured


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


def test_a_card_that_is_asked_twice_makes_no_interval_narrower():
    queries = [*map(asked, range(9, 13)), clear(1)]
    answers = [SimpleNamespace(matches=query.matches, status=judging.Status.CONFIRMED) for query in queries]
    once, twice = judging.measured(queries, answers), judging.measured(queries * 2, answers * 2)
    assert (twice["queries"], twice["cards"]) == (2 * once["queries"], once["cards"])
    assert all(twice[name] == once[name] for name in ("recall_at_1", "low", "high", "low_at_5", "answered_high"))
    sure = {"right_at_1": {"medium": [True] * 20, "hard": [True] * 20}}
    worse = {"right_at_1": {"medium": [False] * 4 + [True] * 16, "hard": [False] * 4 + [True] * 16}}
    alone = [{"right_at_1": {"medium": each["right_at_1"]["medium"]}} for each in (sure, worse)]
    assert report.loss(sure, worse) == report.loss(*alone)


def test_the_page_begins_in_short_and_shows_what_is_recognised_worst_first(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (64, 88), "white").save(tmp_path / name)
    good, middling, bad = (judged(recall, 1.0)["answers"]["medium"] for recall in (1.0, 0.9, 0.6))
    missed = {"photo": "b.jpg", "outcome": "not found", "label": {"name": "Mew", "card_id": "base1-9"}}
    found = {"photo": "a.jpg", "outcome": "right", "label": {"name": "Far", "card_id": "base1-8"}}
    text = page(
        {
            "cards": 3,
            "set_names": {},
            "effects": {"blur, half": good, "glare, half": middling, "glare, worst": bad},
            "variants": {"int8": {**judged(0.95, 0.97), "sets": {"base1": good, "jungle": middling, "fossil": bad}}},
            "photos": {
                "outcomes": {"right": 1, "not found": 1},
                "verdicts": [found, missed],
                "photos": [{"photo": "a.jpg", "cards": []}, {"photo": "b.jpg", "cards": []}],
            },
        },
        {},
        {name: tmp_path / name for name in ("a.jpg", "b.jpg")},
    )
    assert re.findall(r"<td>(base1|jungle|fossil)</td>", text) == ["fossil", "jungle", "base1"]
    assert re.findall(r"<td>(\w+, \w+)</td>", text) == ["glare, worst", "glare, half"]
    assert "1 of 3 cost no card: blur, half." in text
    assert re.findall(r"<b>(\w\.jpg)</b>", text) == ["b.jpg", "a.jpg"]
    short = re.findall("<li>(.*)</li>", text)
    assert short[0].startswith("100 test cards through the medium camera: <b>95.0% named right</b>, 0.0% narrowed")
    assert short[0].endswith("0.0% named wrong, 5.0% refused")
    assert short[1].endswith("<b>0 of 0 named</b>; cards that were taken out of the gallery: 1 of 100 named")
    assert short[2].endswith(": 1 right, 1 not found")


def test_the_page_explains_each_column_of_its_first_table():
    heads = re.findall("<th scope=col>([^<]*)</th>", report_tables.recall({"variants": {}}, {}))
    assert all(f"{head}: " in WORDS.lower() for head in heads[heads.index("asked") + 1 :])


def test_a_release_is_refused_only_when_even_the_upper_end_of_its_interval_is_too_low():
    settings = ReportSettings(least_recall=0.9)
    assert objections({"int8": judged(0.88, 0.93)}, settings) == []
    (said,) = objections({"int8": judged(0.5, 0.6)}, settings)
    assert said.startswith("int8 finds 50.0% (0.0% to 60.0%) of 100")


def test_the_page_shows_numbers_and_photos_and_escapes_what_cards_are_called(tmp_path):
    Image.new("RGB", (64, 88), "white").save(tmp_path / "x.jpg")
    card = {
        "name": "<Mew>",
        "set": "base1",
        "number": "1",
        "confidence": 0.9,
        "status": "confirmed",
        "other_printing": False,
    }
    card["corners"] = [[0, 0], [60, 0], [60, 80], [0, 80]]
    others = [
        {**card, "name": "Twin", "status": "uncertain", "candidates": [["base1-2", 0.9], ["base2-2", 0.9]]},
        {**card, "name": "Far", "status": "unknown", "confidence": 0.61},
        {**card, "name": "Foreign", "status": "unknown", "other_printing": True},
    ]
    missed = {"photo": "x.jpg", "outcome": "refused", "label": {"name": "Far", "card_id": "base1-9"}}
    report = {
        "cards": 3,
        "objections": [],
        "set_names": {"base1": "Base"},
        "variants": {"int8": judged(0.95, 0.97)},
        "photos": {
            "outcomes": {"right": 1},
            "verdicts": [missed],
            "photos": [
                {"photo": "x.jpg", "cards": [card, *others]},
                {"photo": "y.jpg", "cards": [], "error": "y.jpg is truncated"},
            ],
        },
    }
    last = {"int8": {"medium": {"recall_at_1": 0.93}}}
    text = page(report, {}, {"x.jpg": tmp_path / "x.jpg"}, before=last)
    assert "95.0% (88.8–97.8)" in text
    assert "<td>93.0%</td><td>95.0% (88.8–97.8)</td><td>+2.0</td>" in text
    assert "1 of 100 (1.00%, 0.18–5.45) test cards" in text
    assert "1: &lt;Mew&gt; base1 1, 90% sure<br>2: Twin, one of base1-2, base2-2, 90% sure" in text
    assert "3: unknown (nearest: Far base1 1, at 61%)<br>4: unknown: another printing of Foreign base1 1" in text
    assert "<span class=bad>Far base1-9: refused</span>" in text
    assert "<p class=bad>y.jpg is truncated</p>" in text
    assert "no release to compare with" in page(report, {}, {"x.jpg": tmp_path / "x.jpg"})
    assert "New cards" not in text
    new = judged(0.81, 0.9)["answers"]["medium"]
    report["variants"]["int8"] |= {"new cards": new, "new sets": {"new1": new}}
    report["recognised worse"] = {"sets": ["new1"], "said": "int8 answers 81.0% of 100 new cards of new1"}
    assert "<h2>New cards</h2>" in (text := page(report, {}, {"x.jpg": tmp_path / "x.jpg"}))
    assert "<p>int8 answers 81.0% of 100 new cards of new1.</p>" in text
    assert "<td>new1</td>" in text
    assert "<td>81.0% (72.2–87.5)</td>" in text
    assert "<td>Base (base1)</td>" in text
    assert "&lt;Mew&gt;" in text
    assert "<Mew>" not in text
    assert text.count("<figure>") == 1
    assert "<html lang=en>" in text
    assert all(alt.strip() for alt in re.findall(r"<img alt='([^']*)'", text)) and "<img src" not in text
    assert text.count("<div class=table role=group tabindex=0") == text.count("<table>") > 3
    assert "prefers-color-scheme:dark" in text
    assert "<b class=good>no gate refused a release.</b>" in text
    text = page(
        report, {}, {"x.jpg": tmp_path / "x.jpg"}, refused=["int8 finds 95.0% at medium, the last release 99.0%"]
    )
    assert "<b class=bad>not to be released: int8 finds 95.0% at medium, the last release 99.0%</b>" in text


class Asked:
    """Answers for the cards of each split, and for strangers, in place of a model's."""

    def __init__(self, *_):
        pass

    def cards(self, split, strength, most=None):
        keys = {"validation": range(1, 9), "test": range(9, 13), "new": range(9, 11)}[split]
        return [*map(asked, keys), *([clear(1), clear(2)] if split == "validation" else [])]

    def other_printings(self, split, strength):
        return [query(textured(200 + number), asked(1).matches) for number in range(2)]

    def strangers(self):
        return [query(textured(100 + number), asked(1).matches) for number in range(6)]


def test_a_variant_is_calibrated_on_validation_cards_and_half_of_the_strangers_and_judged_on_the_others(
    second_look, monkeypatch
):
    calibrate, answer = judging.calibrate, judging.answered
    learned, answered = [], []

    def calibrating(look, known, strange, **limits):
        learned.extend([*known, *strange])
        found = calibrate(look, known, strange, **limits)
        answered.clear()  # of what was asked to calibrate
        return found

    monkeypatch.setattr(report, "Asking", Asked)
    monkeypatch.setattr(judging, "calibrate", calibrating)
    monkeypatch.setattr(judging, "answered", lambda judge, queries: answered.extend(queries) or answer(judge, queries))
    record, _ = report.judge_variant(Subject(None, None, None, second_look), None, ReportSettings(strengths=["hard"]))
    learned_from, judged_by = ({query.picture().tobytes() for query in queries} for queries in (learned, answered))
    assert (len(learned_from), len(judged_by)) == (8 + 3, 4 + 3 + 2)
    assert record["new cards"]["cards"] == 2
    assert not learned_from & judged_by
    assert (record["named"]["strangers asked"], record["named"]["other printings asked"]) == (3, 2)
    assert record["recall"]["hard"]["queries"] == record["named"]["unknown cards asked"] == 4


def test_a_photo_that_can_not_be_read_is_told_of_by_its_name_and_not_by_where_it_lies(tmp_path, monkeypatch):
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "cut.jpg").write_text("no picture")
    for name in ("Gallery", "OnnxEmbedder", "Recognizer", "Calibration"):
        monkeypatch.setattr(report, name, MagicMock())
    photos = {"album/cut.jpg": tmp_path / "album" / "cut.jpg"}
    lacking = {"album/away.jpg": "album/away.jpg went after it was listed"}
    evidence = Evidence(cards=None, splits={}, strangers=(), photos=photos, labels={}, lacking=lacking)
    subject = MagicMock(outline_filter=None)
    away, seen = report.judge_photos(subject, {}, evidence)["photos"]
    assert (away["photo"], away["error"]) == ("album/away.jpg", "album/away.jpg went after it was listed")
    assert seen["error"] == "album/cut.jpg is no picture: send JPEG, PNG or WebP"
