"""Which new sets are called worse than test cards: never for a few unlucky scans."""

import pytest

from pcr_assets.gallery.new_sets import judged
from pcr_assets.measures import likeliest, wilson


def found(test=0.98, **sets):
    """What a variant's record says: ``sets`` are (answered, asked) of each new one."""
    new = {set_id: {"answered": right / of, "cards": of} for set_id, (right, of) in sets.items()}
    right, of = (sum(column) for column in zip(*sets.values(), strict=True)) if sets else (0, 0)
    together = {"new cards": {"answered": right / of, "cards": of}, "new sets": new} if sets else {}
    return {"answers": {"medium": {"answered": test, "queries": 200}}, **together}


def test_a_set_that_is_answered_worse_is_named_and_no_other():
    said = judged({"int8": found(new1=(14, 20), new2=(20, 20))})
    assert said == {"sets": ["new1"], "said": "int8 answers 70.0% of 20 new cards of new1, and 98.0% of test cards"}


def test_all_new_cards_are_judged_together_where_no_set_stands_out():
    said = judged({"int8": found(new1=(18, 20), new2=(18, 20), new3=(18, 20))})
    assert said["sets"] == ["new1", "new2", "new3"]
    assert said["said"] == "int8 answers 90.0% of 60 new cards, and 98.0% of test cards"


@pytest.mark.parametrize("right", [0, 1, 2])
def test_a_set_of_three_cards_is_too_few_to_tell(right):
    said = judged({"int8": found(new1=(right, 3))})
    assert (said["sets"], said["said"][:6]) == ([], "only 3")


def test_ten_cards_are_enough_of_one_set_or_of_all_together():
    assert judged({"int8": found(new1=(3, 10), new2=(10, 10))})["sets"] == ["new1"], (
        "else both, as all new cards together"
    )
    assert judged({"int8": found(new1=(1, 3), new2=(2, 7))})["sets"] == ["new1", "new2"]
    assert judged({"int8": found(new1=(10, 10))})["said"] == "new cards are answered as test cards are"


def test_two_misses_among_twenty_are_no_proof_although_an_interval_says_so():
    assert wilson(18, 20)[1] < likeliest(0.985, 200)
    assert judged({"int8": found(0.985, new1=(18, 20))})["sets"] == []
    assert judged({"int8": found(0.985, new1=(17, 20))})["sets"] == ["new1"]


def test_of_many_good_sets_one_is_unlucky():
    good = {f"new{number}": (20, 20) for number in range(40)}
    assert judged({"int8": found(**good, unlucky=(17, 20))})["sets"] == []
    assert judged({"int8": found(**good, bad=(14, 20))})["sets"] == ["bad"]


def test_without_new_cards_and_with_good_ones_that_is_said():
    assert judged({"int8": found()}) == {"sets": [], "said": "no card came after the training snapshot"}
    good = judged({"int8": found(new1=(49, 50)), "fp32": found(new1=(50, 50))})
    assert good == {"sets": [], "said": "new cards are answered as test cards are"}


def test_what_many_variants_find_of_many_sets_is_said_in_short():
    said = judged({name: found(**{f"new{at}": (5, 20) for at in range(5)}) for name in ("fp32", "int8")})
    assert said["sets"] == ["new0", "new1", "new2", "new3", "new4"]
    assert said["said"].endswith("; and 6 more like these")
    four = judged({"int8": found(**{f"new{at}": (5, 20) for at in range(4)})})["said"]
    assert (four.count("int8 answers"), "more like these" in four) == (4, False)
