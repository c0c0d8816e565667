"""The refresh command: what it prints and the code it exits with."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from pcr_assets import refresh
from pcr_assets.assets.cards import list_raw
from pcr_assets.planner.execution import WHAT
from pcr_assets.planner.lock import only_refresh
from pcr_assets.resources import engines
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.engine import EngineError
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import StoreError
from pcr_assets_tests.small_graph import SmallGraph


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.delenv("PCR_PROFILE", raising=False)
    with dg.DagsterInstance.ephemeral() as instance:
        yield SmallGraph(tmp_path, instance)


def test_plan_prints_what_is_stale_and_why_and_exits_with_3(world, capsys):
    assert world.command("plan") == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["profile", "embedded"]
    assert lines[1].split() == ["asset", "status", "why"]
    assert lines[2].split() == ["cards", "MISSING", "never", "materialized"]
    assert lines[-1].startswith("5 of 5 assets are stale")


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
        "import sys; from pcr_assets import refresh; code = refresh.main(['plan']);"
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


def test_an_error_of_ours_is_its_sentence_told_once_and_no_traceback(world, monkeypatch, capsys):
    sentence = "could not write /store/x: No space left on device. Free space, then rerun"
    world.refresh("cards")

    def publish(*_, **__):
        raise StoreError(sentence)

    monkeypatch.setattr(Artifacts, "publish", publish)
    assert world.command("run", "--select", "student") == 1
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.count(sentence) == 1
    assert printed.out.splitlines()[-1].startswith("student failed, as said above; built 0 of 1 assets")


def test_a_source_that_cannot_be_observed_ends_a_plan_with_its_sentence(world, capsys):
    world.broken = {"raw_cards"}
    assert world.command("plan") == 1
    printed = capsys.readouterr()
    assert printed.err == "raw_cards failed: ConnectionError: the bucket does not answer\n"
    assert "asset" not in printed.out


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stage2: {phazes: 3}", "stage2.phazes: no such setting (did you mean phases?)"),
        ("stage22: {seed: 3}", "stage22: no such section (did you mean stage2?)"),
        ("calibration: {count: -3}", "calibration.count: must be 1 or more, is -3"),
    ],
)
def test_a_mistake_in_the_profile_is_one_sentence_before_anything_is_built(
    world, monkeypatch, capsys, command, text, says
):
    own = world.folder / "own.yaml"
    own.write_text(f"extends: embedded\n{text}\n")
    monkeypatch.setenv("PCR_PROFILE", str(own))
    assert world.command(command) == 1
    printed = capsys.readouterr()
    assert printed.err == f"{own}: {says}\n"
    assert printed.out == ""


def test_a_profile_of_your_own_is_named_by_every_run(world, monkeypatch, capsys):
    own = world.folder / "own.yaml"
    own.write_text("extends: embedded\n")
    monkeypatch.setenv("PCR_PROFILE", str(own))
    world.command("run")
    assert capsys.readouterr().out.splitlines()[0].split() == ["profile", str(own)]


@pytest.mark.parametrize("said", ["database or disk is full", "disk I/O error", "attempt to write a readonly database"])
def test_a_full_disk_under_dagsters_records_is_one_sentence(world, monkeypatch, capsys, said):
    def store_event(*_):
        try:
            raise sqlite3.OperationalError(said)
        except sqlite3.OperationalError as error:
            raise RuntimeError("ninety lines of SQLAlchemy") from error

    monkeypatch.setenv("DAGSTER_HOME", "/store/.dagster")
    monkeypatch.setattr(world.instance.event_log_storage, "store_event", store_event)
    assert world.command("run") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Dagster's records in /store/.dagster can't be written ({said}): free space")


def test_an_error_that_nobody_foresaw_is_shown_whole(world, monkeypatch):
    monkeypatch.setattr(world.instance.event_log_storage, "store_event", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.command("run")


def test_the_runs_of_a_refresh_say_what_they_do(world):
    world.refresh()
    assert {run.tags[WHAT] for run in world.instance.get_runs()} == {"observe", "build"}


def test_the_instance_of_this_project_shows_no_dialog_and_sends_nothing(tmp_path):
    shutil.copy(Path(refresh.__file__).parents[1] / "dagster.yaml", tmp_path)
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


@pytest.mark.parametrize("selection", ["no_such_asset", "((", "group:none"])
def test_a_selection_of_nothing_is_a_mistake_of_its_own(world, selection, capsys):
    assert world.command("plan", "--select", selection) == refresh.MISUSED
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    "command", [("explain", "studnt"), ("plan", "--select", "+studnt"), ("run", "--select", "studnt*")]
)
def test_a_mistyped_asset_is_answered_with_the_one_that_was_meant(world, command, capsys):
    assert world.command(*command) == refresh.MISUSED
    assert capsys.readouterr().err == f"no asset matches '{command[-1]}': did you mean student?\n"


def test_what_is_like_no_asset_is_answered_with_the_command_that_lists_them(world, capsys):
    assert world.command("explain", "xyz") == refresh.MISUSED
    assert capsys.readouterr().err == "no asset matches 'xyz': `make explain` tells of all there are\n"


def test_a_source_is_answered_with_what_is_made_from_it(world, capsys):
    """`plan` names sources as causes, so they are asked about."""
    assert world.command("explain", "student_config") == refresh.MISUSED
    assert capsys.readouterr().err == (
        "student_config: observed, not built, and so never stale; ask about what is made from it: student\n"
    )


def test_a_command_that_does_not_exist_is_not_taken_for_an_unsettled_graph(world):
    with pytest.raises(SystemExit) as stopped:
        world.command("make")
    assert stopped.value.code == refresh.MISUSED


def test_without_an_instance_the_folder_that_make_uses_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("PCR_STORE", str(tmp_path))
    assert refresh.main(["plan"]) == 1
    assert f"export DAGSTER_HOME={tmp_path}/.dagster" in capsys.readouterr().err


@pytest.mark.parametrize("home", ["store/.dagster", "/dev/null/.dagster"])
def test_an_instance_that_is_no_folder_is_refused_by_name(monkeypatch, capsys, home):
    monkeypatch.setenv("DAGSTER_HOME", home)
    assert refresh.main(["plan"]) == 1
    assert capsys.readouterr().err.startswith(f"DAGSTER_HOME is {home}, which is no absolute path of a folder")


def test_explain_tells_inputs_then_and_now_and_who_guards(world, capsys):
    world.refresh()
    world.epochs = 20
    assert world.command("explain", "student+") == 0
    told = capsys.readouterr().out
    assert "student  STALE: has new data from student_config" in told
    assert "when built" in told
    assert "guard     the check good_enough of report passed" in told


def test_a_folder_without_scans_is_told_from_one_that_is_not_there(tmp_path):
    for folder, says in (
        ("typo", "for there is no such folder: name their folder in"),
        ("", "put some there, or name"),
    ):
        with pytest.raises(StoreError, match=says) as error:
            list_raw(Project(store=str(tmp_path / "store"), raw=str(tmp_path / folder)))
        assert str(error.value).endswith("CARDS (make) or PCR_CARDS")


def test_an_engine_that_there_is_not_is_one_sentence(monkeypatch):
    monkeypatch.setenv("PCR_ENGINE", "raj")
    with pytest.raises(EngineError) as refused:
        engines.engine_name()
    assert refresh._told(refused.value) == ("PCR_ENGINE is raj: write one of local, ray", 1)
