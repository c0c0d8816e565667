"""The refresh command: what it prints and the code it exits with."""

import json

import dagster as dg
import pytest

from pcr_assets import refresh
from pcr_assets.planner.execution import only_refresh
from pcr_assets_tests.small_graph import SmallGraph


@pytest.fixture
def world(tmp_path):
    with dg.DagsterInstance.ephemeral() as instance:
        yield SmallGraph(tmp_path, instance)


def test_plan_prints_what_is_stale_and_why_and_exits_with_3(world, capsys):
    assert world.command("plan") == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["asset", "status", "why"]
    assert lines[1].split() == ["cards", "MISSING", "never", "materialized"]
    assert lines[-1].startswith("5 of 5 assets are stale")


def test_plan_exits_with_0_when_nothing_is_stale(world, capsys):
    world.refresh()
    assert world.command("plan") == 0
    assert capsys.readouterr().out.startswith("nothing is stale (5 assets, ")


def test_plan_as_json_is_one_object(world, capsys):
    world.refresh()
    world.epochs = 20
    assert world.command("plan", "--json") == 3
    plan = json.loads(capsys.readouterr().out)
    assert plan["steps"][0] == {"asset": "student", "status": "STALE", "causes": ["has new data from student_config"]}


def test_run_prints_a_line_for_each_start_and_end(world, capsys):
    assert world.command("run", "--select", "cards") == 0
    start, end, last = capsys.readouterr().out.splitlines()
    assert start.split() == ["started", "cards"]
    assert end.startswith("built     cards  ")
    assert "letters=14" in end
    assert last.startswith("built 1 of 1 assets in ")


def test_run_exits_with_1_and_ends_with_the_sentence_when_an_asset_fails(world, capsys):
    world.broken = {"student"}
    assert world.command("run") == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1].startswith("student failed: RuntimeError: student ran out of memory; built 2")
    assert "small_graph.py" in printed.err


def test_run_exits_with_2_when_an_asset_does_not_settle(world):
    world.forgetful = {"index"}
    assert world.command("run") == 2


def test_run_exits_with_4_and_says_what_the_check_said(world, capsys):
    world.accepted = False
    assert world.command("run") == 4
    assert "good_enough of report refuses it: recall@1 is 0.4, below 0.9" in capsys.readouterr().out.splitlines()[-1]
    assert world.command("plan") == 3
    assert "BLOCKED" in capsys.readouterr().out


def test_run_exits_with_5_while_another_refresh_runs(world):
    with only_refresh(world.instance):
        assert world.command("run") == 5


@pytest.mark.parametrize("selection", ["no_such_asset", "((", "group:none"])
def test_a_selection_of_nothing_is_a_mistake_of_its_own(world, selection, capsys):
    assert world.command("plan", "--select", selection) == refresh.MISUSED
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_command_that_does_not_exist_is_not_taken_for_an_unsettled_graph(world):
    with pytest.raises(SystemExit) as stopped:
        world.command("make")
    assert stopped.value.code == refresh.MISUSED


def test_without_an_instance_the_cure_is_named(monkeypatch, capsys):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    assert refresh.main(["plan"]) == 1
    assert "export DAGSTER_HOME=" in capsys.readouterr().err


def test_explain_tells_inputs_then_and_now_and_who_guards(world, capsys):
    world.refresh()
    world.epochs = 20
    assert world.command("explain", "student+") == 0
    told = capsys.readouterr().out
    assert "student  STALE: has new data from student_config" in told
    assert "when built" in told
    assert "guard     the check good_enough of report passed" in told
