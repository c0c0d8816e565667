"""What `make dev` does before it starts Dagster again: runs that died with the last one keep nobody waiting."""

import json
import socket

import dagster as dg
import pytest
from dagster._core.storage.tags import GRPC_INFO_TAG

from pcr_assets.automation.close_runs import close_runs, main
from pcr_assets.planner.execution import TAGS
from pcr_assets.planner.lock import living, only_refresh


@dg.job
def anything():
    """What a person launched."""


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def launched(instance, server, status=dg.DagsterRunStatus.STARTED):
    tags = {GRPC_INFO_TAG: json.dumps({"host": "localhost", "socket": str(server)})} if server else {}
    return instance.create_run_for_job(anything, status=status, tags=tags).run_id


@pytest.mark.faults
def test_only_runs_whose_code_server_is_gone_are_closed(instance, tmp_path):
    gone, there = tmp_path / "gone", tmp_path / "there"
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(gone))
        killed.close()  # the file stays, as after a kill
        listening.bind(str(there))
        listening.listen()
        runs = {
            "of the one before": launched(instance, gone),
            "of another that is at work": launched(instance, there),
            "not begun": launched(instance, gone, dg.DagsterRunStatus.NOT_STARTED),
            "of a shell": launched(instance, None),
        }
        outlives = launched(instance, tmp_path / "nowhere")
        with living(instance, outlives):
            assert close_runs(instance) == 1
        now = {name: instance.get_run_by_id(run).status.value for name, run in runs.items()}
        assert now == {
            "of the one before": "FAILURE",
            "of another that is at work": "STARTED",
            "not begun": "NOT_STARTED",
            "of a shell": "STARTED",
        }
        assert close_runs(instance) == 1, "the one that outlived its server ended in the end, without a word"
        assert close_runs(instance) == 0


def test_what_a_killed_refresh_in_a_shell_left_is_closed_unless_one_is_at_work(instance):
    wave = instance.create_run_for_job(anything, status=dg.DagsterRunStatus.STARTED, tags=TAGS).run_id
    with only_refresh(instance):
        assert close_runs(instance) == 0
    assert close_runs(instance) == 1
    assert instance.get_run_by_id(wave).status is dg.DagsterRunStatus.FAILURE


def test_no_run_is_closed_where_several_machines_share_the_records(instance, tmp_path, monkeypatch):
    run = launched(instance, tmp_path / "on another machine")
    monkeypatch.setattr("pcr_assets.automation.close_runs.spans_machines", lambda _: True)
    assert close_runs(instance) == 0
    assert instance.get_run_by_id(run).status is dg.DagsterRunStatus.STARTED


def test_the_command_says_in_a_sentence_that_it_knows_no_records(monkeypatch, capsys):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    assert main([]) == 1
    assert "DAGSTER_HOME is not set" in capsys.readouterr().err


def test_asked_for_help_the_command_closes_nothing(monkeypatch, capsys):
    monkeypatch.setattr("pcr_assets.automation.close_runs.close_runs", lambda _: pytest.fail("it did"))
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "died with the last `dagster dev`" in capsys.readouterr().out
