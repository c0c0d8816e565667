"""When a release is judged again, and when its last report still holds."""

import pyarrow as pa
import pytest

from pcr_assets.gallery.rejudging import changed_scans, reason_to_judge

ASKED = {"int8": "1", "fp32": "2", "photos": "3"}


def scans(*pixels: str) -> pa.Table:
    ids = [f"base1-{number}" for number in range(len(pixels))]
    return pa.table({"card_id": ids, "view": [0] * len(ids), "pixel_digest": list(pixels), "name": ids})


HUNDRED = [f"{number}" for number in range(100)]


@pytest.mark.parametrize("now", [[*HUNDRED, "new"], HUNDRED[:-1], ["other", *HUNDRED[1:]], [*HUNDRED, "a", "b"]])
def test_a_few_cards_that_came_went_or_were_replaced_are_no_reason(now):
    assert reason_to_judge(ASKED, ASKED, scans(*HUNDRED), scans(*now), growth=0.02) is None


def test_more_than_the_set_share_is_a_reason():
    found = reason_to_judge(ASKED, ASKED, scans(*HUNDRED), scans(*HUNDRED, "a", "b", "c"), growth=0.02)
    assert found == "3 scans of 100 came, went or were replaced"


@pytest.mark.parametrize("changed", sorted(ASKED))
def test_thresholds_never_outlive_the_model_or_the_evidence_they_were_made_with(changed):
    now = {**ASKED, changed: "another"}
    assert reason_to_judge(ASKED, now, scans(*HUNDRED), scans(*HUNDRED), growth=1.0) == f"{changed} changed"


def test_without_a_report_there_is_one_due():
    assert reason_to_judge(None, ASKED, None, scans("1"), growth=1.0) == "there was none"
    assert reason_to_judge(None, ASKED, scans("1"), scans("1"), growth=1.0) == "there was none"
    assert reason_to_judge(ASKED, ASKED, None, scans("1"), growth=1.0) == "there was none"


def test_with_a_growth_of_zero_every_change_is_judged():
    assert reason_to_judge(ASKED, ASKED, scans("1"), scans("1", "2"), growth=0.0) is not None


def test_scans_are_counted_once_each():
    assert changed_scans(scans("1", "2", "3"), scans("1", "x")) == 2
