"""Feedback of devices, from files that devices wrote and files that they didn't."""

import json

import numpy as np
import pytest

from edge_runtime.feedback import box
from edge_runtime.feedback.corrections import Corrections
from pcr_assets.checks import answers_have_not_drifted, devices_are_as_sure_as_the_report
from pcr_assets.gallery import feedback
from pcr_assets.gallery.feedback import BINS, ENOUGH, read_day, stability_index, summed_up, worst
from pcr_assets.gallery.watched import days_of
from pcr_assets.resources.store import Entry

RELEASE = "0123456789abcdef int8"


def answer(number=0, **changes):
    said = {
        "schema": 1,
        "id": f"{number:032x}",
        "release_id": "0123456789abcdef",
        "variant": "int8",
        "status": "uncertain",
        "card_id": "base1-4",
        "set": "base1",
        "similarity": 0.7,
        "confidence": 0.4,
        "corrected": None,
    }
    return json.dumps(said | changes).encode()


def tally(similarity, confirmed=0, uncertain=0, unknown=0, release=RELEASE):
    sets = {"base1": {"confirmed": confirmed, "uncertain": uncertain, "unknown": unknown}}
    return json.dumps({"answers": {release: {"similarity": similarity, "sets": sets}}}).encode()


def around(middle, count, seed=0):
    """A histogram of so many similarities."""
    drawn = np.random.default_rng(seed).normal(middle, 0.08, count).clip(0, 0.999)
    return np.bincount((drawn * BINS).astype(int), minlength=BINS).tolist()


def a_day(date, contents, device="pi-1"):
    return read_day(f"{device}/{date}", [(f"{device}/{date}/{name}", data) for name, data in sorted(contents.items())])


def test_the_device_and_the_project_mean_the_same_bins_and_files():
    assert (feedback.BINS, feedback.TALLY) == (box.BINS, box.TALLY)


def test_files_are_grouped_by_device_and_date():
    entries = [
        Entry(key, 1, "e") for key in ("pi-1/2027-01-15/a.json", "pi-1/2027-01-15/a.jpg", "pi-2/2027-01-15/b.json")
    ]
    assert {day: len(files) for day, files in days_of([*entries, Entry("README", 1, "e")]).items()} == {
        "pi-1/2027-01-15": 2,
        "pi-2/2027-01-15": 1,
    }


def test_a_sure_name_that_a_person_corrected_is_a_confusion(tmp_path):
    event = {
        "id": "run-1",
        "at": "2027-01-15T08:00:00.000+00:00",
        "release_id": "0123456789abcdef",
        "status": "confirmed",
        "confidence": 0.99,
        "cards": [{"card_id": "base1-4", "set": "base1"}],
        "other_printing": False,
    }
    Corrections(tmp_path).keep(event, b"a picture", "base4-4", "int8")
    (file,) = tmp_path.glob("2027-01-15/*.json")
    day = a_day("2027-01-15", {file.name: file.read_bytes()})
    assert day["faults"] == []
    assert summed_up([day])["confusions"] == [{"answered": "base1-4", "is": "base4-4", "times": 1}]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "Invalid JSON"),
        (answer(status="sure"), "status"),
        (answer(similarity=7), "similarity"),
        (answer(id="../../etc/passwd"), "id"),
        (b" " * (feedback.MOST_BYTES + 1), "larger than"),
        (b"[" * 30_000, "Invalid JSON"),
    ],
)
def test_what_no_device_writes_is_set_aside_with_its_reason_and_the_rest_counts(data, reason):
    day = a_day("2027-01-15", {"bad.json": data, "good.json": answer()})
    assert len(day["answers"]) == 1
    (fault,) = summed_up([day])["faults"]
    assert fault["file"].endswith("bad.json")
    assert reason in fault["reason"]


@pytest.mark.parametrize("counts", [{"similarity": [-5] * BINS}, {"similarity": [10**30] * BINS}, {"confirmed": -3}])
def test_counts_that_no_device_can_have_are_set_aside_and_break_no_statistic(counts):
    bad = a_day("2027-01-15", {"tally.json": tally(**{"similarity": [0] * BINS} | counts)}, device="pi-2")
    good = a_day("2027-01-15", {"tally.json": tally(around(0.8, 100), confirmed=100)})
    found = summed_up([bad, good])
    assert [fault["file"] for fault in found["faults"]] == ["pi-2/2027-01-15/tally.json"]
    assert found["answers"][RELEASE]["confirmed"] == 100


def test_corrections_are_counted_as_confusions():
    day = a_day(
        "2027-01-15",
        {f"{n}.json": answer(n, corrected=true) for n, true in enumerate(["base1-5", "base1-5", "base1-4", None])},
    )
    found = summed_up([day])
    assert (found["kept"], found["corrected"], found["corrected_wrong"]) == (4, 3, 2)
    assert found["confusions"] == [{"answered": "base1-4", "is": "base1-5", "times": 2}]
    assert found["sets"]["base1"]["corrected"] == 3


def test_a_card_that_only_a_person_named_is_a_confusion_of_no_set():
    named = answer(0, status="unknown", card_id="", set="", similarity=None, corrected="next1-7")
    record = summed_up([a_day("2027-01-15", {"a.json": named})])
    assert record["confusions"] == [{"answered": "no card", "is": "next1-7", "times": 1}]
    assert record["sets"] == {}


def test_the_worst_are_those_that_were_surely_wrong_then_the_most_doubtful():
    answers = {
        "a.json": answer(1, confidence=0.3),
        "b.json": answer(2, confidence=0.9, corrected="base1-5"),
        "c.json": answer(3, confidence=0.1),
        "d.json": answer(4, confidence=0.6, corrected="base1-5"),
    }
    order = [int(each["id"], 16) for each in worst([a_day("2027-01-15", answers)], 3)]
    assert order == [2, 4, 3]


def test_days_make_a_series():
    days = [
        a_day("2027-01-15", {"tally.json": tally(around(0.8, 100), confirmed=90, uncertain=10)}),
        a_day("2027-01-16", {"tally.json": tally(around(0.6, 50), confirmed=20, uncertain=10, unknown=20)}),
        a_day("2027-01-16", {"tally.json": tally(around(0.6, 50), confirmed=50)}, device="pi-2"),
    ]
    table = summed_up(days)["over_time"]
    assert table["2027-01-15"]["mean similarity"] == pytest.approx(0.8, abs=0.02)
    assert table["2027-01-16"]["answers"] == 100
    assert table["2027-01-16"]["unknown"] == 0.2


def test_equal_histograms_have_no_distance_and_moved_ones_have_a_large_one():
    before, after = np.array(around(0.8, 1000)), np.array(around(0.6, 1000))
    assert stability_index(before, before) == 0
    assert stability_index(before, np.array(around(0.8, 1000, seed=1))) < 0.1
    assert stability_index(before, after) > 0.25


def record_of(middles):
    days = [a_day(f"2027-01-{number + 1:02}", {"tally.json": tally(around(middle, ENOUGH, number), confirmed=ENOUGH)})
            for number, middle in enumerate(middles)]  # fmt: skip
    return summed_up(days)


def judged(check, record, beside=None):
    """What a check says of a record."""
    from unittest.mock import Mock

    project = Mock()
    project.artifacts.current.return_value.record = record
    project.artifacts.named.return_value.record = beside or {}
    project.settings.section.return_value = {"drift": 0.25, "field_uncertain": 0.05}
    return check.node_def.compute_fn.decorated_fn(project)


def test_similarities_that_fell_are_warned_of_and_chance_is_not():
    steady, fallen = record_of([0.8, 0.8, 0.8]), record_of([0.8, 0.8, 0.6])
    assert judged(answers_have_not_drifted, steady).passed
    (of_chance,) = (of_release["chance"] for of_release in steady["drift"].values())
    assert of_chance == pytest.approx(36.19 * (1 / ENOUGH + 1 / ENOUGH), abs=1e-4)
    found = judged(answers_have_not_drifted, fallen)
    assert not found.passed
    assert found.severity.value == "WARN"
    assert "stability index" in found.description
    few = {"drift": {"0123 int8": {"psi": 0.4, "chance": 0.5, "first": 60, "last": 60}}, "running": ["0123 int8"]}
    assert judged(answers_have_not_drifted, few).passed


def test_a_release_that_was_met_seldom_says_nothing_of_drift():
    assert record_of([0.8])["drift"] == {}


def test_what_no_device_runs_any_more_is_warned_of_no_more():
    """The release that cured it came: the one before was warned of for good."""

    def day(number, middle, uncertain, release, device):
        counts = tally(around(middle, ENOUGH), confirmed=ENOUGH - uncertain, uncertain=uncertain, release=release)
        return a_day(f"2027-01-{number:02}", {"tally.json": counts}, device)

    def passed(days):
        checks = (answers_have_not_drifted, devices_are_as_sure_as_the_report)
        return [judged(check, summed_up(days), report_of(uncertain=0.04, refused=0.0)).passed for check in checks]

    bad = [day(1, 0.8, 60, "old int8", "pi-1"), day(2, 0.6, 60, "old int8", "pi-2")]
    assert passed(bad) == [False, False]
    half = [*bad, day(3, 0.8, 0, "new int8", "pi-1")]
    assert passed(half) == [False, False], "the other one runs it still"
    assert passed([*half, a_day("2027-01-03", {f"{7:032x}.json": answer(7)}, "pi-2")]) == [False, False], (
        "no count came"
    )
    assert passed([*half, day(4, 0.8, 0, "new int8", "pi-2")]) == [True, True]


def report_of(uncertain, refused):
    return {"variants": {"int8": {"answers": {"hard": {"one of these": uncertain, "refused": refused}}}}}


def test_devices_that_are_less_sure_than_the_report_are_warned_of():
    report = report_of(uncertain=0.04, refused=0.0)
    sure = summed_up([a_day("2027-01-15", {"tally.json": tally(around(0.8, 100), confirmed=95, uncertain=5)})])
    unsure = summed_up([a_day("2027-01-15", {"tally.json": tally(around(0.8, 100), confirmed=60, uncertain=40)})])
    assert judged(devices_are_as_sure_as_the_report, sure, report).passed
    assert "40 of 100" in judged(devices_are_as_sure_as_the_report, unsure, report).description
    assert judged(devices_are_as_sure_as_the_report, unsure, {}).passed, "nothing to compare with"
    nearly = report_of(uncertain=0.28, refused=0.0)
    assert judged(devices_are_as_sure_as_the_report, unsure, nearly).passed, "surely more, but by less than is allowed"
    as_sure = report_of(uncertain=0.2, refused=0.5)
    assert judged(devices_are_as_sure_as_the_report, unsure, as_sure).passed, "two of five named test cards as well"
