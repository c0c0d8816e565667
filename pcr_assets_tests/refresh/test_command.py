"""The refresh command: what it prints and the code it exits with."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg

from pcr_assets.planner.execution import WHAT
from pcr_assets.planner.lock import only_refresh


def test_plan_prints_what_is_stale_and_why_and_exits_with_3(world, capsys):
    assert world.command("plan") == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["profile", "embedded"]
    assert lines[1].split() == ["asset", "status", "why"]
    assert lines[2].split() == ["cards", "MISSING", "never", "materialized"]
    assert lines[-1].startswith("5 of 5 assets are stale")


def test_a_store_of_which_nothing_is_recorded_here_is_said_to_be_built_once_more(world, capsys):
    """On a new machine, or after `DAGSTER_HOME` was lost, a plan of everything looked like that of an empty store."""
    assert world.command("plan") == 3
    assert "no record" not in capsys.readouterr().err, "nothing is there to be recorded"
    world.refresh()
    assert world.command("plan") == 0
    assert "no record" not in capsys.readouterr().err
    with dg.DagsterInstance.ephemeral() as world.instance:
        assert world.command("plan") == 3
        assert "the store holds cards, and Dagster has no record" in capsys.readouterr().err
        assert world.command("run") == 0
        assert "`make adopt APPLY=1`" in capsys.readouterr().err


def test_a_reader_that_has_read_enough_is_no_error(world, monkeypatch, capsys):
    """As of `make plan | head`."""
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(sys, "stdout", os.fdopen(writing, "w", buffering=1))
    assert world.command("plan") == 141
    assert capsys.readouterr().err == ""


def test_plan_exits_with_0_when_nothing_is_stale(world, capsys):
    world.refresh()
    assert world.command("plan") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("nothing is stale (5 assets, ")


def test_plan_as_json_is_one_object(world, capsys):
    world.refresh()
    world.epochs = 20
    assert world.command("plan", "--json") == 3
    plan = json.loads(capsys.readouterr().out)
    assert plan["profile"] == "embedded"
    assert plan["steps"][0] == {"asset": "student", "status": "STALE", "causes": ["has new data from student_config"]}


def test_a_plan_of_the_project_looks_at_all_folders_and_loads_no_library_of_pictures_or_models(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "base1-4_Charizard.png").write_bytes(b"only listed")
    code = (
        "import sys; from pcr_assets.refresh.command import main; code = main(['plan']);"
        "heavy = 'torch numpy pyarrow timm cv2 onnxruntime pandas matplotlib PIL mlflow'.split();"
        "print(code, [m for m in heavy if m in sys.modules])"
    )
    places = {"DAGSTER_HOME": "home", "PCR_STORE": "store", "PCR_CARDS": "cards"}
    environment = os.environ | {name: str(tmp_path / place) for name, place in places.items()}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert found.stdout.splitlines()[-1] == "3 []"


def test_run_prints_a_line_for_each_start_and_end(world, capsys):
    assert world.command("run", "--select", "cards") == 0
    profile, start, end, last = capsys.readouterr().out.splitlines()
    assert profile.split() == ["profile", "embedded"]
    assert start.split() == ["started", "cards"]
    assert end.startswith("built     cards  ")
    assert "letters=14" in end
    assert last.startswith("built 1 of 1 assets in ")


def test_run_exits_with_1_and_ends_with_who_failed_when_an_asset_does(world, capsys):
    world.broken = {"student"}
    assert world.command("run") == 1
    printed = capsys.readouterr()
    assert printed.out.count("RuntimeError: student ran out of memory") == 1
    assert printed.out.splitlines()[-1].startswith("student failed, as said above; built 2")
    assert "small_graph.py" in printed.err


def test_a_profile_of_your_own_is_named_by_every_run(world, monkeypatch, capsys):
    own = world.folder / "own.yaml"
    own.write_text("extends: embedded\n")
    monkeypatch.setenv("PCR_PROFILE", str(own))
    world.command("run")
    assert capsys.readouterr().out.splitlines()[0].split() == ["profile", str(own)]


def test_the_runs_of_a_refresh_say_what_they_do(world):
    world.refresh()
    assert {run.tags[WHAT] for run in world.instance.get_runs()} == {"observe", "build"}


def test_the_instance_of_this_project_shows_no_dialog_and_sends_nothing(tmp_path):
    shutil.copy(Path(__file__).parents[2] / "dagster.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.nux_enabled
        assert not instance.telemetry_enabled


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


def test_build_builds_what_is_named_stale_or_not_and_nothing_that_follows(world, capsys):
    world.refresh()
    assert world.command("build", "student") == 0
    built = [line for line in capsys.readouterr().out.splitlines() if line.startswith("built")]
    assert [line.split()[1] for line in built] == ["student", "1"]
    assert built[-1].startswith("built 1 of 1 assets in ")
    assert world.command("plan") == 0, "equal content makes nothing stale"


def test_build_looks_at_settings_first_so_that_the_next_refresh_does_not_build_all_again(world):
    world.refresh()
    world.epochs = 20
    assert world.command("build", "student") == 0
    assert "student" not in [str(step.asset.to_user_string()) for step in world.plan().steps]


def test_plan_tells_of_a_gate_that_refuses_though_nothing_waits_behind_it(world, capsys):
    world.command("run")
    world.accepted = False
    assert world.command("build", "report") == 4  # to the same content: the release is fresh
    capsys.readouterr()

    assert world.command("plan") == 3
    told = [line for line in capsys.readouterr().out.splitlines() if "REFUSED" in line]
    assert len(told) == 1 and "good_enough of report refuses it: recall@1 is 0.4, below 0.9" in told[0]
    assert world.command("run") == 4


def test_build_exits_with_1_when_an_asset_fails_4_when_a_check_refuses_it_and_5_beside_a_refresh(world, capsys):
    world.refresh()
    world.accepted = False
    assert world.command("build", "report") == 4
    assert "recall@1 is 0.4, below 0.9" in capsys.readouterr().out
    world.broken = {"student"}
    assert world.command("build", "student") == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("student failed, as said above; built 0 of 1 assets")
    with only_refresh(world.instance):
        assert world.command("build", "student") == 5


def test_explain_tells_inputs_then_and_now_and_who_guards(world, capsys):
    world.refresh()
    world.epochs = 20
    assert world.command("explain", "student+") == 0
    told = capsys.readouterr().out
    assert "student  STALE: has new data from student_config" in told
    assert "when built" in told
    assert "guard     the check good_enough of report passed" in told


def test_a_terminal_that_goes_away_ends_a_refresh_as_an_interrupt_does(world, capsys):
    """Its run counted as running for ever, as after a kill: a line to another machine breaks any day."""
    world.interrupted, world.interrupts = {"cards"}, signal.SIGHUP
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert world.command("run") == 130
    finally:
        signal.signal(signal.SIGHUP, before)
    assert "stopped: what was built stays" in capsys.readouterr().err
    assert [run.status for run in world.instance.get_runs(limit=1)] == [dg.DagsterRunStatus.CANCELED]
