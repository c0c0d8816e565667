"""What a refresh builds, and what it leaves alone, after each thing that may happen to a pipeline."""

import os
import shutil
import signal

import dagster as dg
import pytest

from pcr_assets import digests
from pcr_assets.planner import Ending, Status, Verdict, execution, explain, published_in, resolve
from pcr_assets.planner.execution import HOST, TAGS
from pcr_assets.planner.lock import only_refresh
from pcr_assets.planner.waves import _Refresh
from pcr_assets_tests.small_graph import names


def test_an_empty_instance_is_built_from_the_sources_down(world):
    plan = world.plan()

    assert {str(step.status) for step in plan.steps} == {"MISSING"}
    assert names(plan.frontier) == ["cards"]
    outcome = world.refresh()
    assert names(outcome.built) == ["cards", "index", "student", "report", "release"]
    assert outcome.ending is Ending.SETTLED
    assert "built 5 of 5 assets" in str(outcome)


def test_nothing_changed_builds_nothing(built):
    assert built.plan().settled
    outcome = built.refresh()
    assert (outcome.built, outcome.ending) == ((), Ending.SETTLED)
    assert str(outcome).startswith("nothing is stale (5 assets")


def test_a_plan_reads_the_last_observation_of_each_source_once(built, monkeypatch):
    asked, fetch = [], built.instance.fetch_observations
    monkeypatch.setattr(built.instance, "fetch_observations", lambda key, **how: asked.append(key) or fetch(key, **how))
    resolve(built.defs, built.instance, "*", published_in(built.defs))
    assert sorted(names(asked)) == ["complaint", "raw_cards", "student_config"]


def test_a_materialization_of_a_source_that_another_tool_reported_counts_as_dagster_counts_it(built):
    reported = dg.AssetMaterialization("raw_cards", tags={"dagster/data_version": "theirs"})
    built.instance.report_runless_asset_event(reported)
    plan = resolve(built.defs, built.instance, "*", published_in(built.defs))
    assert plan.steps[0].causes == ("has new data from raw_cards",)


def test_an_asset_rebuilt_to_the_same_content_ends_the_wave(built):
    built.raw = "pikachu    raichu"

    plan = built.plan()

    assert [(str(step.asset.path[-1]), step.status) for step in plan.steps] == [
        ("cards", Status.STALE),
        ("index", Status.PENDING),
        ("student", Status.PENDING),
        ("report", Status.PENDING),
        ("release", Status.PENDING),
    ]
    assert plan.steps[0].causes == ("has new data from raw_cards",)
    assert plan.steps[1].causes == ("waits for cards",)
    assert names(built.refresh().built) == ["cards"]


def test_new_scans_rebuild_each_asset_below_them_once(built):
    built.raw = "mew"
    assert names(built.refresh().built) == ["cards", "index", "student", "report", "release"]


def test_a_changed_setting_rebuilds_its_own_branch_only(built):
    built.epochs = 20
    assert names(built.refresh().built) == ["student", "report", "release"]


def by_hand(world, *assets):
    """What *Materialize* in the UI does, or `dagster asset materialize`: it observes nothing."""
    defs = world.defs
    made = defs.resolve_implicit_job_def_def_for_assets([dg.AssetKey(name) for name in assets])
    made.execute_in_process(instance=world.instance, asset_selection=[dg.AssetKey(name) for name in assets])


def test_what_was_made_by_hand_of_a_setting_that_was_taken_back_is_stale(built):
    built.epochs = 20
    by_hand(built, "student")
    built.epochs = 3

    assert built.plan().steps[0].causes == ("has new data from student_config",)
    assert names(built.refresh().built) == ["student"]
    assert built.plan().settled


def test_what_was_made_by_hand_of_the_setting_that_holds_is_not_made_again(built):
    built.epochs = 20
    by_hand(built, "student")
    assert names(built.refresh().built) == ["report", "release"]


def test_what_was_made_by_hand_before_anything_was_observed_is_not_made_again(world):
    by_hand(world, "cards", "student")
    assert names(world.refresh().built) == ["index", "report", "release"]


@pytest.mark.parametrize("epochs", [3, 20])
def test_a_plan_with_another_profile_beside_a_refresh_does_not_disturb_it(built, monkeypatch, epochs):
    """What it observed would make the student stale: to be trained for nothing, or again right after it was trained."""
    execute = execution.execute

    def with_a_plan_beside(defs, instance, assets, on_event, **given):
        failures = execute(defs, instance, assets, on_event, **given)
        if dg.AssetKey("cards") in assets or dg.AssetKey("student") in assets:
            built.epochs = 7
            execute(built.defs, instance, [dg.AssetKey("student_config")], lambda event: None)
            built.epochs = epochs
        return failures

    monkeypatch.setattr(execution, "execute", with_a_plan_beside)
    built.epochs, built.code["cards"] = epochs, "2"
    outcome = built.refresh()

    assert outcome.ending is Ending.SETTLED
    trained = ["student", "report", "release"] if epochs == 20 else []
    assert names(outcome.built) == ["cards", *trained]


def test_a_raised_code_version_rebuilds_its_asset_and_stops_at_equal_content(built):
    built.code["student"] = "2"
    assert built.plan().steps[0].causes == ("has a new code version",)
    assert names(built.refresh().built) == ["student"]


def test_what_a_report_complains_of_is_mended_by_the_same_refresh_after_the_release(built):
    built.complains = lambda report: " again" if "mew" in report else ""
    built.raw = "mew"
    outcome = built.refresh()
    assert names(outcome.built) == ["cards", "index", "student", "report", "release", "student", "report", "release"]
    assert outcome.ending is Ending.SETTLED
    assert "built 5 of 5 assets" in str(outcome)
    assert built.refresh().built == ()


def test_a_report_that_is_never_content_has_one_more_try_a_refresh(built):
    built.complains = lambda report: f" not {len(report)}"
    built.raw = "mew"
    outcome = built.refresh()
    assert names(outcome.built).count("student") == 2
    assert outcome.ending is Ending.SETTLED


def test_a_source_that_tells_nothing_new_of_what_was_built_costs_no_more_building(built):
    built.epochs = 20
    assert names(built.refresh().built) == ["student", "report", "release"]
    looked = [*names(event.asset for event in built.events if event.kind == "observing")]
    assert looked.count("complaint") == 2
    built.raw = "pikachu    raichu"
    built.refresh()
    looked = [*names(event.asset for event in built.events if event.kind == "observing")]
    assert looked.count("complaint") == 1, "no report was made, so there is nothing to look at again"
    built.code["report"] = "2"
    assert names(built.refresh().built) == ["report"]
    looked = [*names(event.asset for event in built.events if event.kind == "observing")]
    assert looked.count("complaint") == 1, "it says what the last one said"


def test_a_refused_report_waits_for_the_next_refresh_with_its_complaint(built):
    built.accepted, built.complains = False, lambda report: " again" if "mew" in report else ""
    built.raw = "mew"
    assert names(built.refresh().built) == ["cards", "index", "student", "report"]
    assert names(built.refresh().built) == ["student", "report"]


def test_a_failure_spares_other_branches_and_the_next_refresh_resumes_there(world):
    world.broken = {"student"}

    outcome = world.refresh()

    assert outcome.ending is Ending.FAILED
    assert names(outcome.built) == ["cards", "index"]
    assert str(outcome).startswith("student failed: RuntimeError: student ran out of memory; built 2 of 5")
    world.broken = set()
    assert names(world.refresh().built) == ["student", "report", "release"]


def test_a_source_that_cannot_be_observed_stops_what_is_made_from_it(built):
    built.broken = {"raw_cards"}
    built.code["index"] = built.code["student"] = "2"

    outcome = built.refresh()

    assert outcome.ending is Ending.FAILED
    assert outcome.built == ()
    assert str(outcome).startswith("raw_cards failed: ConnectionError: the bucket does not answer")


def test_an_asset_that_is_stale_right_after_it_was_built_is_not_built_for_ever(world):
    world.forgetful = {"index"}

    outcome = world.refresh()

    assert outcome.ending is Ending.UNSETTLED
    assert names(outcome.built).count("index") == 1
    assert "release" in names(outcome.built)
    assert "index is stale again right after it was built (artifact missing)" in str(outcome)


@pytest.mark.faults
def test_cards_that_arrive_while_a_refresh_is_at_work_do_not_end_it(world):
    """It took what it had built for an asset that doesn't settle, and no refresh came to a release while an upload went on."""
    world.meanwhile = {"index": lambda: (setattr(world, "raw", f"{world.raw} mew"), world.plan())}

    outcome = world.refresh()

    assert (names(outcome.built), outcome.ending) == (
        ["cards", "index", "student", "report", "release"],
        Ending.SETTLED,
    )
    assert "raw_cards changed meanwhile: the next refresh builds what this one did not see" in str(outcome)
    world.meanwhile = {}
    assert names(world.refresh().built) == ["cards", "index", "student", "report", "release"]
    assert world.plan().settled


@pytest.mark.faults
def test_a_card_that_arrives_between_the_listing_and_the_step_that_reads_it_is_built_by_that_step(world, monkeypatch):
    look = _Refresh.look

    def then_comes_one(refresh):
        look(refresh)
        world.raw = "pikachu raichu mew"

    monkeypatch.setattr(_Refresh, "look", then_comes_one)
    outcome = world.refresh()

    assert (len(outcome.built), outcome.ending) == (5, Ending.SETTLED)
    assert world.artifacts.current("cards").digest == digests.of_json(world.raw)
    assert world.plan().settled


def test_a_setting_that_is_edited_while_a_refresh_is_at_work_ends_it(world):
    """What follows would be made with both: images of one size, say, for a network of another."""
    world.meanwhile = {"student": lambda: (setattr(world, "epochs", 20), world.plan())}
    outcome = world.refresh()
    assert outcome.ending is Ending.UNSETTLED
    assert "student is stale again right after it was built (has new data from student_config)" in str(outcome)
    assert "release" not in names(outcome.built)


def test_a_deleted_artifact_is_built_again_and_its_children_are_not(built):
    shutil.rmtree(built.folder / "store" / "project" / "pokemon-card-recognition" / "student")

    plan = built.plan()

    assert (plan.steps[0].status, plan.steps[0].causes) == (Status.MISSING, ("artifact missing",))
    assert names(built.refresh().built) == ["student"]
    assert built.plan().settled


def test_a_store_restored_to_another_version_is_brought_back(built):
    pointer = built.folder / "store" / "project" / "pokemon-card-recognition" / "student" / "current.json"
    old = pointer.read_bytes()
    built.epochs = 20
    built.refresh()
    pointer.write_bytes(old)

    assert built.plan().steps[0].causes == ("the store holds another version",)
    assert names(built.refresh().built) == ["student"]
    assert built.artifacts.current("student").digest == published_in(built.defs)(dg.AssetKey("student"))
    assert built.plan().settled


def test_a_selection_builds_nothing_outside_it(built):
    built.raw = "mew"
    assert names(built.refresh('key:"cards" or key:"index"').built) == ["cards", "index"]


def test_only_one_refresh_of_an_instance_runs_at_a_time(built):
    built.raw = "mew"
    with only_refresh(built.instance) as free:
        assert free
        outcome = built.refresh()
    assert (outcome.ending, outcome.built) == (Ending.BUSY, ())
    assert str(outcome) == "another refresh of this instance is running: wait for it, or stop it first"
    assert built.refresh().ending is Ending.SETTLED


def test_each_asset_is_told_of_as_it_starts_and_ends(built):
    built.epochs = 20

    built.refresh("student")

    told = [(event.kind, *names([event.asset])) for event in built.events if event.kind != "observing"]
    assert told == [("started", "student"), ("built", "student")]
    assert built.events[-1].metadata["letters"] == len("20 epochs on pikachu raichu")
    assert built.events[-1].seconds is not None


def test_an_explanation_tells_the_versions_then_and_now(built):
    built.epochs = 20
    built.plan()

    (entry,) = explain(built.defs, built.instance, "student", published_in(built.defs))

    assert entry.step.status is Status.STALE
    assert entry.held == entry.data_version
    changed = [source for source in entry.inputs if source.then != source.now]
    assert names(source.asset for source in changed) == ["student_config"]


def test_an_explanation_names_the_checks_of_an_asset(built):
    (entry,) = explain(built.defs, built.instance, "report", published_in(built.defs))
    assert [(gate.check.name, gate.verdict) for gate in entry.gates] == [("good_enough", Verdict.PASSED)]


def test_an_explanation_of_what_is_held_back_says_by_which_check(world):
    world.accepted = False
    world.refresh()
    (entry,) = explain(world.defs, world.instance, "release", published_in(world.defs))
    assert entry.step.causes == ("the check good_enough of report refuses it: recall@1 is 0.4, below 0.9",)
    assert (entry.data_version, entry.held) == (None, None)


def test_the_open_run_of_a_killed_refresh_is_closed(built):
    job = built.defs.resolve_implicit_job_def_def_for_assets([dg.AssetKey("cards")])
    tags = {**TAGS, HOST: "what this machine was called in another network"}
    dead = built.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)

    built.refresh()

    assert built.instance.get_run_by_id(dead.run_id).status is dg.DagsterRunStatus.FAILURE


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_dagster_writes_down_the_end_of_a_run_stops_the_refresh(world, how, monkeypatch):
    """It was forgotten, and the refresh went on to its end."""
    hear = execution._Listener.__call__

    def stop(listener, entry):
        hear(listener, entry)
        if names(event.asset for event in world.events if event.kind == "built") and entry.dagster_event.is_job_success:
            os.kill(os.getpid(), how)

    monkeypatch.setattr(execution._Listener, "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        world.refresh()
    assert names(event.asset for event in world.events if event.kind == "built") == ["cards"]


def test_an_interrupt_stops_the_refresh_and_not_only_the_asset(world):
    world.interrupted = {"index"}
    with pytest.raises(KeyboardInterrupt):
        world.refresh()
    assert "report" not in names(event.asset for event in world.events)
    assert [run.status for run in world.instance.get_runs(limit=1)] == [dg.DagsterRunStatus.CANCELED]
