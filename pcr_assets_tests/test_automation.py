"""What starts a refresh without a person: the job, the sensor, the declarative condition."""

import dagster as dg
import pytest

from pcr_assets.automation import content_changed, new_cards_sensor, refresh_job_for
from pcr_assets.resources.project import Project
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
    assert [run.status for run in waves] == [dg.DagsterRunStatus.SUCCESS] * 4


def test_the_job_fails_with_the_sentence_of_the_command(world, instance):
    world.broken = {"student"}

    result = refresh_job_for(lambda: world.defs).execute_in_process(instance=instance, raise_on_error=False)

    assert not result.success
    data = result.failure_data_for_node("refresh_stale")
    assert data is not None
    assert "student failed: RuntimeError: student ran out of memory; built 2 of 5" in str(data.user_failure_data)


class Bucket:
    """A raw folder, a clock, and the sensor's ticks."""

    def __init__(self, folder, instance):
        self.folder, self.instance = folder, instance
        folder.mkdir()
        self.now, self.cursor, self.keys = 1000.0, None, []

    def put(self, name: str, content: str = "scan") -> None:
        (self.folder / name).write_text(content)

    def tick(self, after: float = 0) -> bool:
        """Whether this tick asks for a refresh."""
        self.now += after
        sensor = new_cards_sensor(refresh_job_for(dg.Definitions), quiet_seconds=60, clock=lambda: self.now)
        resources = {"project": Project(raw=str(self.folder))}
        context = dg.build_sensor_context(self.instance, cursor=self.cursor, resources=resources)
        result = sensor.evaluate_tick(context)
        self.cursor = result.cursor
        requests = result.run_requests or []
        self.keys += [request.run_key for request in requests]
        return bool(requests)


@pytest.fixture
def bucket(tmp_path, instance):
    return Bucket(tmp_path / "raw", instance)


def test_an_empty_folder_asks_for_nothing(bucket):
    assert not bucket.tick()
    assert not bucket.tick(after=600)


def test_new_scans_ask_once_after_the_quiet_time(bucket):
    bucket.put("base1-4_Charizard.png")
    assert [bucket.tick(), bucket.tick(after=30), bucket.tick(after=31), bucket.tick(after=600)] == [
        False,
        False,
        True,
        False,
    ]


def test_an_upload_in_progress_is_waited_for(bucket):
    for number in range(5):
        bucket.put(f"base1-{number}_Card.png")
        assert not bucket.tick(after=50)
    assert bucket.tick(after=61)


def test_a_replaced_and_a_deleted_scan_are_changes(bucket):
    bucket.put("base1-4_Charizard.png")
    bucket.put("base1-5_Clefairy.png")
    bucket.tick()
    bucket.tick(after=61)
    bucket.put("base1-4_Charizard.png", "a better scan")
    assert [bucket.tick(), bucket.tick(after=61)] == [False, True]
    (bucket.folder / "base1-5_Clefairy.png").unlink()
    assert [bucket.tick(), bucket.tick(after=61)] == [False, True]


def test_a_daemon_that_died_before_saving_its_cursor_asks_under_the_same_key(bucket):
    bucket.put("base1-4_Charizard.png")
    bucket.tick()
    before = bucket.cursor
    bucket.tick(after=61)
    bucket.cursor = before
    bucket.tick(after=1)
    assert len(bucket.keys) == 2
    assert len(set(bucket.keys)) == 1


def test_nothing_is_asked_while_a_refresh_is_under_way(bucket, instance):
    job = refresh_job_for(dg.Definitions)
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    bucket.put("base1-4_Charizard.png")
    bucket.tick()
    assert not bucket.tick(after=61)
    instance.report_run_canceled(run)
    assert bucket.tick(after=1)


def test_the_sensor_is_off_until_somebody_turns_it_on():
    assert new_cards_sensor().default_status is dg.DefaultSensorStatus.STOPPED


def test_the_condition_follows_changed_content_and_not_equal_rebuilds():
    content = {"above": "1"}

    @dg.asset(code_version="1")
    def above():
        return dg.MaterializeResult(data_version=dg.DataVersion(content["above"]))

    @dg.asset(deps=[above], code_version="1", automation_condition=content_changed)
    def below():
        return dg.MaterializeResult(data_version=dg.DataVersion("1"))

    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([above, below], instance=instance)
        tick = dg.evaluate_automation_conditions([above, below], instance)
        dg.materialize([above], instance=instance)
        tick = dg.evaluate_automation_conditions([above, below], instance, cursor=tick.cursor)
        assert tick.total_requested == 0
        content["above"] = "2"
        dg.materialize([above], instance=instance)
        tick = dg.evaluate_automation_conditions([above, below], instance, cursor=tick.cursor)
        assert tick.total_requested == 1
