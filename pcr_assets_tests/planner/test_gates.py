"""What a check that refuses, breaks, changes its mind or was never asked holds back."""

import dagster as dg

from pcr_assets.planner import Ending, Verdict, published_in, run
from pcr_assets_tests.small_graph import names


def test_nothing_is_built_behind_a_check_that_refuses(world):
    world.accepted = False

    first, second = world.refresh(), world.refresh()

    assert names(first.built) == ["cards", "index", "student", "report"]
    assert second.built == ()
    for outcome in (first, second):
        assert outcome.ending is Ending.BLOCKED
        assert str(outcome).startswith(
            "release is not built: the check good_enough of report refuses it: recall@1 is 0.4, below 0.9"
        )
        assert str(outcome).endswith("; mend or take back what made it so, and run again")
    assert names(entry.asset for entry in world.plan().blocked) == ["release"]


def test_what_is_asked_for_alone_is_held_back_by_a_check_further_up_as_well(world):
    world.accepted = False
    world.refresh()

    outcome = world.refresh("release")

    assert (outcome.ending, outcome.built) == (Ending.BLOCKED, ())


def test_what_a_check_only_warns_of_is_built_on(world):
    world.accepted, world.only_warned = False, True

    assert names(world.refresh().built) == ["cards", "index", "student", "report", "release"]
    assert world.plan().settled


def test_a_check_that_blocks_nothing_holds_nothing_back(world):
    world.accepted, world.blocking = False, False

    assert names(world.refresh().built) == ["cards", "index", "student", "report", "release"]
    assert world.plan().settled


def test_a_better_asset_opens_the_gate_that_refused_the_last_one(world):
    world.accepted = False
    world.refresh()
    world.accepted, world.epochs = True, 30

    assert not world.plan().blocked
    assert names(world.refresh().built) == ["student", "report", "release"]


def test_a_check_that_changed_its_mind_is_asked_again_without_a_rebuild(world):
    world.accepted = False
    world.refresh()
    world.accepted = True
    assert names(world.refresh().built) == ["release"]


def test_a_check_that_a_killed_run_left_unasked_is_asked_before_anything_behind_it_is_built(world):
    defs = world.defs
    world.refresh("cards")
    world.refresh("student")
    # what a process killed between the asset and its check leaves: the asset, no answer
    job = defs.resolve_implicit_job_def_def_for_assets([dg.AssetKey("report")])
    job.get_subset(asset_selection={dg.AssetKey("report")}, asset_check_selection=set()).execute_in_process(
        instance=world.instance
    )
    assert [gate.verdict for gate in world.plan().gates] == [Verdict.UNASKED]

    world.accepted = False
    outcome = world.refresh()

    assert names(outcome.built) == ["index"]
    assert outcome.ending is Ending.BLOCKED


def test_an_asset_that_somebody_else_builds_meanwhile_leaves_its_gate_unanswered_and_that_is_said(world):
    report, defs = dg.AssetKey("report"), world.defs
    in_the_ui = defs.resolve_implicit_job_def_def_for_assets([report]).get_subset(
        asset_selection={report}, asset_check_selection=set()
    )

    def just_then(event):
        if event.kind == "passed":
            in_the_ui.execute_in_process(instance=world.instance)

    outcome = run(defs, world.instance, "*", published_in(defs), on_event=just_then)

    assert (outcome.ending, names(outcome.built)) == (Ending.BLOCKED, ["cards", "index", "student", "report"])
    assert str(outcome).startswith(
        "the check good_enough of report gave no answer yet, for its asset was built by somebody else meanwhile: run again"
    )
    assert names(world.refresh().built) == ["release"]


def test_a_check_that_breaks_fails_the_refresh_and_keeps_its_gate_shut(world):
    world.broken = {"good_enough"}

    outcome = world.refresh()

    assert outcome.ending is Ending.FAILED
    assert "release" not in names(outcome.built)
    assert "report failed: its check good_enough broke: ZeroDivisionError: no queries" in str(outcome)
