"""One dagster.yaml: SQLite in the home by default, PostgreSQL and a bucket for logs by environment variables."""

import importlib
import json
import runpy
import signal
import socket
import sys
import time
from contextlib import closing
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.storage.tags import GRPC_INFO_TAG

from pcr_assets import instance as ours
from pcr_assets.planner.execution import HOST, JOB_TAGS, TAGS, bury_the_dead
from pcr_assets.planner.lock import LockLost, living, only_refresh
from pcr_assets.refresh import command as refresh
from pcr_assets_tests.small_graph import SmallGraph, names
from pcr_assets_tests.team.compose import DOCKER

HOLD = """
import dagster as dg, time
from pcr_assets.planner.lock import only_refresh
with dg.DagsterInstance.get() as instance, only_refresh(instance) as free:
    print("holds it" if free else "does not", flush=True)
    time.sleep(60)
"""


def test_without_the_variable_the_records_are_sqlite_files_in_the_home(new_machine):
    home = new_machine().home
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert isinstance(instance, ours.Instance)
        assert instance.event_log_storage.__class__.__name__.startswith("Sqlite")
    assert (home / "history" / "runs.db").exists()


def test_with_it_they_are_in_the_database_and_no_process_is_handed_the_password(machine, server):
    with machine.instance() as instance:
        assert instance.event_log_storage.__class__.__name__ == "PostgresEventLogStorage"
        assert server.password not in str(instance.get_ref())
    assert {path.name for path in machine.home.iterdir()} == {"dagster.yaml"}


def test_a_home_whose_records_would_lie_elsewhere_is_refused_before_any_are_written(tmp_path, monkeypatch, capsys):
    """What follows a question mark is taken for options: the stores "who?" and "who?2" had one folder of records, "who"."""
    home = tmp_path / "who's that?" / ".dagster"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(f"instance_class: {{module: {ours.__name__}, class: Instance}}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with dg.DagsterInstance.ephemeral() as none:
        assert refresh.main(["plan"], build=lambda: SmallGraph(tmp_path, none).defs) == 1
    said = f"Dagster can't keep its records in {home}: name a STORE, or a DAGSTER_HOME, without a ?\n"
    assert capsys.readouterr().err == said
    assert not (tmp_path / "who's that").exists()


@pytest.mark.parametrize("url", ["postgres://me:hunter2@db/x", "mysql://me:hunter2@db/x", "me:hunter2@db"])
def test_a_url_of_another_kind_is_refused_without_repeating_the_password(
    new_machine, url, monkeypatch, capsys, tmp_path
):
    monkeypatch.setenv(ours.POSTGRES, url)
    monkeypatch.setenv("DAGSTER_HOME", str(new_machine().home))
    with dg.DagsterInstance.ephemeral() as none:
        assert refresh.main(["plan"], build=lambda: SmallGraph(tmp_path, none).defs) == 1
    assert capsys.readouterr().err == f"{ours.POSTGRES} must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE\n"


def test_without_the_package_the_cure_is_named(new_machine, monkeypatch):
    monkeypatch.setenv(ours.POSTGRES, "postgresql://me@db/x")
    monkeypatch.setattr(ours, "find_spec", lambda _: None)
    with pytest.raises(ours.InstanceError, match=r"pip install -c constraints.txt '.\[team\]'"):
        new_machine().instance()


def test_logs_of_runs_go_to_the_bucket_that_is_named(new_machine, monkeypatch):
    monkeypatch.setenv(ours.LOGS, "s3://pcr/logs")
    monkeypatch.setenv("PCR_S3_ENDPOINT", "http://127.0.0.1:1")
    with new_machine().instance() as instance:
        found = instance.get_ref().compute_logs_data
        assert found.class_name == "S3ComputeLogManager"
        assert found.config_dict == {
            "bucket": "pcr", "prefix": "logs", "skip_empty_files": True, "endpoint_url": "http://127.0.0.1:1",
        }  # fmt: skip
        assert instance.compute_log_manager.__class__.__name__ == "S3ComputeLogManager"


def test_a_folder_for_the_logs_of_runs_is_refused(new_machine, monkeypatch):
    monkeypatch.setenv(ours.LOGS, "/var/log/pcr")
    with pytest.raises(ours.InstanceError, match="must be s3://BUCKET or s3://BUCKET/PREFIX, is /var/log/pcr"):
        new_machine().instance()


def test_a_refresh_from_one_machine_is_known_on_another(machine, new_machine, tmp_path):
    with machine.instance() as instance:
        assert names(SmallGraph(tmp_path, instance).refresh("+index").built) == ["cards", "index"]
    with new_machine().instance() as elsewhere:
        again = SmallGraph(tmp_path, elsewhere)
        assert again.refresh("+index").built == ()
        again.code = {"index": "2"}
        assert names(again.refresh("+index").built) == ["index"]


def test_one_refresh_runs_at_a_time_among_all_machines(machine, new_machine, tmp_path, capsys):
    holder = machine.start(sys.executable, "-c", HOLD, log=tmp_path / "holder.log")
    wait_for_line(tmp_path / "holder.log", "holds it", holder)
    with new_machine().instance() as elsewhere:
        assert SmallGraph(tmp_path, elsewhere).command("run") == 5
        assert "another refresh of this instance is running" in capsys.readouterr().out
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        for _ in range(100):
            with only_refresh(elsewhere) as free:
                if free:
                    break
            time.sleep(0.1)
        assert free, "the lock must fall with its holder"


@pytest.mark.faults
def test_a_lock_whose_session_broke_is_taken_again_unless_another_refresh_has_it(database, tmp_path):
    """As when the server is started anew while a network trains: two refreshes would build, and close each other's runs."""
    records = SimpleNamespace(root_directory=str(tmp_path), event_log_storage=SimpleNamespace(postgres_url=database))
    with only_refresh(records) as hold:
        break_sessions(database)
        hold.keep()
        with only_refresh(records) as other:
            assert not other
        break_sessions(database)
        with only_refresh(records) as other:
            assert other
            with pytest.raises(LockLost, match=r"another refresh of this instance began .* wait for that one"):
                hold.keep()


def break_sessions(database):
    """End the sessions that hold a lock."""
    import psycopg2

    with closing(psycopg2.connect(database)) as connection:
        connection.autocommit = True
        connection.cursor().execute("select pg_terminate_backend(pid, 5000) from pg_locks where locktype = 'advisory'")


def test_runs_that_died_with_another_machine_are_closed(machine, tmp_path, monkeypatch):
    monkeypatch.setattr("pcr_assets.planner.execution.BEGINNING_SECONDS", 0)
    with machine.instance() as instance:
        job = SmallGraph(tmp_path, instance).defs.resolve_implicit_job_def_def_for_assets([dg.AssetKey("cards")])
        started = dg.DagsterRunStatus.STARTED
        wave = instance.create_run_for_job(job, status=started, tags={**TAGS, HOST: "gone"})
        of_the_job = instance.create_run_for_job(job, status=started, tags=JOB_TAGS)
        waiting = instance.create_run_for_job(job, tags=JOB_TAGS)
        lives = instance.create_run_for_job(job, status=started, tags=JOB_TAGS)

        with living(instance, lives.run_id), only_refresh(instance):
            bury_the_dead(instance)

        now = [instance.get_run_by_id(run.run_id).status.value for run in (wave, of_the_job, waiting, lives)]
        assert now == ["FAILURE", "FAILURE", "NOT_STARTED", "STARTED"]


@pytest.mark.faults
def test_a_database_that_is_down_is_one_sentence(new_machine, tmp_path, monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv(ours.POSTGRES, f"postgresql://dagster:hunter2@127.0.0.1:{port}/postgres")
    monkeypatch.setenv("DAGSTER_HOME", str(new_machine().home))
    with dg.DagsterInstance.ephemeral() as none:
        assert refresh.main(["plan"], build=lambda: SmallGraph(tmp_path, none).defs) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Dagster's database of {ours.POSTGRES} refuses (connection to server at ")
    assert "Connection refused" in line
    assert "hunter2" not in line


@pytest.mark.faults
@pytest.mark.parametrize("command", ["adopt.__main__", "automation.close_runs", "tidy.__main__"])
def test_a_database_that_is_down_is_one_sentence_to_every_command(
    command, new_machine, tmp_path, monkeypatch, capsys, caplog
):
    """`make adopt` ended with a traceback, and before it, as of the other two, stood what the database's client said six times."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv(ours.POSTGRES, f"postgresql://dagster:hunter2@127.0.0.1:{port}/postgres")
    monkeypatch.setenv("DAGSTER_HOME", str(new_machine().home))
    monkeypatch.setenv("PCR_STORE", str(tmp_path))
    assert importlib.import_module(f"pcr_assets.{command}").main([]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Dagster's database of {ours.POSTGRES} refuses (connection to server at ")
    assert not caplog.text


@pytest.mark.faults
def test_a_database_that_goes_down_during_a_refresh_is_one_sentence(
    new_machine, own_server, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv(ours.POSTGRES, own_server.url)
    with new_machine().instance() as instance:
        world = SmallGraph(tmp_path, instance)
        monkeypatch.setattr(
            "pcr_assets.planner.waves._Refresh.build", lambda *_: own_server.stop() or instance.get_runs()
        )
        assert world.command("run") == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"Dagster's database of {ours.POSTGRES} refuses (connection to server at ")


def wait_for_line(log, line, process):
    for _ in range(600):
        if line in log.read_text():
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def test_a_container_of_the_code_closes_the_runs_that_its_last_one_left(machine, tmp_path):
    close_runs = runpy.run_path(str(DOCKER / "close_runs.py"))["close_runs"]
    with machine.instance() as instance:
        job = SmallGraph(tmp_path, instance).defs.resolve_implicit_job_def_def_for_assets([dg.AssetKey("cards")])
        started = dg.DagsterRunStatus.STARTED
        left, elsewhere = (
            [
                instance.create_run_for_job(job, status=started, tags={GRPC_INFO_TAG: json.dumps({"host": host})}),
                instance.create_run_for_job(job, status=started, tags={**TAGS, HOST: host}),
            ]
            for host in ("code", "ci")
        )
        assert close_runs(instance, "code") == 2
        assert {instance.get_run_by_id(run.run_id).status.value for run in left} == {"FAILURE"}
        assert {instance.get_run_by_id(run.run_id).status.value for run in elsewhere} == {"STARTED"}
