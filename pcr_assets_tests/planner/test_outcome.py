"""The sentence that says how a refresh ended."""

import dagster as dg

from pcr_assets.planner import Blocked, Ending, Failure, Gate, Outcome, Verdict

RELEASE, STUDENT, INDEX = (dg.AssetKey(name) for name in ("release", "student", "index"))
REFUSES = Gate(dg.AssetCheckKey(dg.AssetKey("report"), "good_enough"), Verdict.REFUSED)


def test_of_several_failures_the_first_is_told_and_how_many_more():
    failures = (Failure(STUDENT, "out of memory"), Failure(INDEX, "no disk"), Failure(RELEASE, "no keys"))
    said = str(Outcome(Ending.FAILED, 5, 12.3, (RELEASE, RELEASE), failures))
    assert said == (
        "student failed: out of memory (and 2 more); built 1 of 5 assets in 12 s, the next refresh goes on from there"
    )


def test_of_several_assets_that_are_held_back_the_first_is_told_and_how_many_more():
    said = str(Outcome(Ending.BLOCKED, 5, 1.26, blocked=(Blocked(RELEASE, REFUSES), Blocked(INDEX, REFUSES))))
    assert said.startswith(
        "release is not built: the check good_enough of report refuses it: it gave no reason (and 1 more); built 0 of 5"
    )
    assert "in 1.3 s; mend or take back" in said


def test_a_check_that_refuses_what_nothing_waits_for_is_told_too():
    said = str(Outcome(Ending.BLOCKED, 1, 1.0, (RELEASE,), refused=(REFUSES,)))
    assert said.startswith("the check good_enough of report refuses it: it gave no reason; built 1 of 1 assets")
