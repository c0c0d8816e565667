"""The job that the UI, the sensor and a schedule start."""

import socket
import threading
import uuid

import dagster as dg
import pytest
from sqlalchemy.exc import OperationalError

from pcr_assets import planner
from pcr_assets.automation import refresh_job
from pcr_assets.automation.refresh_job import OP, refresh_job_for
from pcr_assets.planner import execution
from pcr_assets.planner.execution import HOST, JOB_TAGS, OBSERVE, TAGS, WHAT, bury_the_dead
from pcr_assets.planner.lock import LockLost, lives, living, only_refresh
from pcr_assets_tests.small_graph import SmallGraph


@pytest.fixture
def instance(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as made:
        yield made


@pytest.fixture
def world(tmp_path, instance):
    return SmallGraph(tmp_path, instance)


def test_the_job_builds_what_is_stale_in_runs_of_their_own(world, instance):
    job = refresh_job_for(lambda: world.defs)

    result = dg.Definitions(jobs=[job]).resolve_job_def("refresh").execute_in_process(instance=instance)

    assert result.success
    assert world.plan().settled
    waves = instance.get_runs(dg.RunsFilter(tags={"pcr/refresh": result.run_id}))
    assert [run.status for run in waves] == [dg.DagsterRunStatus.SUCCESS] * 6
    kinds = [run.tags[WHAT] for run in waves]  # the newest first: at last the new report is looked at
    assert kinds == ["observe", *["build"] * 4, "observe"]


def test_the_job_fails_with_the_sentence_of_the_command(world, instance):
    world.broken = {"student"}

    result = refresh_job_for(lambda: world.defs).execute_in_process(instance=instance, raise_on_error=False)

    assert not result.success
    data = result.failure_data_for_node("refresh_stale")
    assert data is not None
    assert "student failed: RuntimeError: student ran out of memory; built 2 of 5" in str(data.user_failure_data)


def test_the_job_ends_with_a_sentence_where_the_refresh_can_not_go_on(world, instance, monkeypatch):
    """As when PostgreSQL is started anew just as it is asked: the run's page began with a traceback of two hundred lines."""
    gone = OperationalError(
        "SELECT 1", {}, Exception("server closed the connection unexpectedly\n\tThis probably means")
    )
    job = refresh_job_for(lambda: world.defs)
    for error, said in (
        (LockLost("another refresh began"), "another refresh began"),
        (gone, "refuses (server closed the connection unexpectedly): mend that, then run again; what was built stays"),
    ):

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr(planner, "run", fail)
        data = job.execute_in_process(instance=instance, raise_on_error=False).failure_data_for_node(OP)
        assert said in data.error.message
        assert data.error.cause is None
        assert data.user_failure_data.metadata["exit code"].value == 1


def test_the_log_of_the_job_begins_with_the_profile(world, instance, monkeypatch):
    """The UI may have been started with another one than the last refresh in a shell."""
    monkeypatch.setattr("pcr_assets.refresh.refusals.find_profile", lambda defs: "mine.yaml")

    result = refresh_job_for(lambda: world.defs).execute_in_process(instance=instance)

    said = [entry.user_message for entry in instance.all_logs(result.run_id) if entry.dagster_event is None]
    assert said[0].split() == ["profile", "mine.yaml"]


def test_the_log_of_the_job_says_that_a_store_is_built_once_more_for_want_of_records(world, instance, monkeypatch):
    """As in a UI that was started without its home: the command said it, the job trained for hours."""
    monkeypatch.setattr(planner, "unrecorded", lambda *_: dg.AssetKey("cards"))

    result = refresh_job_for(lambda: world.defs).execute_in_process(instance=instance)

    (said,) = [entry for entry in instance.all_logs(result.run_id) if "has no record here" in entry.user_message]
    assert said.user_message.startswith("the store holds cards, and Dagster has no record")


@pytest.mark.parametrize("stop", [KeyboardInterrupt, dg.DagsterExecutionInterruptedError])
def test_a_job_that_is_stopped_says_what_stays(world, instance, monkeypatch, stop):
    """*Terminate* in the UI: of Dagster's own, the log has a traceback as if something had broken."""

    def stopped(*args, **given):
        raise stop

    monkeypatch.setattr(planner, "run", stopped)
    run_id = str(uuid.uuid4())

    with pytest.raises(stop):
        refresh_job_for(lambda: world.defs).execute_in_process(instance=instance, run_id=run_id)

    said = [entry.user_message for entry in instance.all_logs(run_id) if entry.dagster_event is None]
    assert said[-1] == "stopped: what was built stays, the next refresh goes on from there"


@pytest.mark.parametrize(
    ("select", "said"),
    [
        ("group:smal", "no asset matches 'group:smal'"),
        ("indx", "no asset matches 'indx': did you mean index?"),
        ("raw_cards", "raw_cards: observed, not built"),
        ("+index or", "Invalid selection string: +index or"),
    ],
)
def test_the_job_refuses_a_selection_of_nothing_with_the_sentence_of_the_command(world, instance, select, said):
    job = refresh_job_for(lambda: world.defs)
    result = job.execute_in_process({"ops": {OP: {"config": {"select": select}}}}, instance, raise_on_error=False)
    data = result.failure_data_for_node("refresh_stale")
    assert data is not None
    assert data.user_failure_data is not None
    assert data.user_failure_data.description.startswith(said)


def test_the_job_finds_a_mistake_in_the_profile_before_anything_is_built(world, instance, monkeypatch):
    """Nobody observes the section `trust`: a release would fail by it, when all else was built."""
    own = world.folder / "own.yaml"
    own.write_text("extends: embedded\ntrust: {chanels: [stable]}\n")
    monkeypatch.setenv("PCR_PROFILE", str(own))
    result = refresh_job_for(lambda: world.defs).execute_in_process(instance=instance, raise_on_error=False)
    data = result.failure_data_for_node("refresh_stale")
    assert data is not None
    assert data.user_failure_data is not None
    assert data.user_failure_data.description == f"{own}: trust.chanels: no such setting (did you mean channels?)"
    assert not world.artifacts.find("cards")


@pytest.mark.faults
def test_the_job_waits_for_a_refresh_that_runs_already(world, instance, monkeypatch):
    monkeypatch.setattr(execution, "BEGINNING_SECONDS", 0)
    held, wanted = threading.Event(), threading.Event()

    def refresh_in_a_shell():
        with only_refresh(instance) as free:
            assert free
            held.set()
            wanted.wait(30)
            bury_the_dead(instance)

    shell = threading.Thread(target=refresh_in_a_shell)
    shell.start()
    held.wait(30)
    monkeypatch.setattr(refresh_job.time, "sleep", lambda seconds: (wanted.set(), shell.join()))

    cards = {"ops": {OP: {"config": {"select": "cards"}}}}
    result = refresh_job_for(lambda: world.defs).execute_in_process(cards, instance)
    assert result.success
    assert world.plan("cards").settled
    told = [entry.dagster_event_type for entry in instance.all_logs(result.run_id)]
    assert dg.DagsterEventType.RUN_FAILURE not in told, "a run that waits was taken for dead"
    assert not lives(instance, result.run_id)


@pytest.mark.faults
def test_a_refresh_closes_a_job_that_died_and_leaves_one_that_began_just_now(world, instance, monkeypatch):
    job = refresh_job_for(lambda: world.defs)
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=JOB_TAGS)
    world.refresh("cards")
    assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.STARTED
    monkeypatch.setattr(execution, "BEGINNING_SECONDS", 0)
    world.refresh("cards")
    assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE


def test_a_refresh_leaves_a_plans_observation_alone_while_that_lives(world, instance):
    job = refresh_job_for(lambda: world.defs)
    ours = {**TAGS, HOST: socket.gethostname(), WHAT: OBSERVE}
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=ours)
    with living(instance, run.run_id):
        world.refresh("cards")
    assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.STARTED
    planner.observe(world.defs, instance)
    assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE, (
        "the next plan closes what one left"
    )


def test_an_observation_says_that_it_lives(world, instance):
    alive = []

    def look(_):
        begun = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        alive.extend(lives(instance, run.run_id) for run in begun)

    planner.observe(world.defs, instance, on_event=look)
    assert alive and all(alive)
