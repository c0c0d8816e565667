"""Why a refresh can't be run, or ended before its end: one sentence with the cure, and an exit code of its own."""

import errno
import os
import sqlite3

import pytest

from pcr_assets.assets.cards import list_raw
from pcr_assets.command_options import MISUSED
from pcr_assets.refresh.command import main
from pcr_assets.refresh.refusals import told
from pcr_assets.resources import engines
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.engine import EngineError
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import StoreError


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


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_takes_no_further_file_is_told_as_a_full_database_is(number, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "/store/.dagster")
    sentence, code = told(OSError(number, os.strerror(number)))
    assert sentence.startswith(
        f"Dagster's records in /store/.dagster can't be written ({os.strerror(number)}): free space"
    )
    assert code == 1


def test_an_error_that_nobody_foresaw_is_shown_whole(world, monkeypatch):
    monkeypatch.setattr(world.instance.event_log_storage, "store_event", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.command("run")


@pytest.mark.parametrize("selection", ["no_such_asset", "((", "group:none"])
def test_a_selection_of_nothing_is_a_mistake_of_its_own(world, selection, capsys):
    assert world.command("plan", "--select", selection) == MISUSED
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [("explain", "studnt"), ("build", "studnt"), ("plan", "--select", "+studnt"), ("run", "--select", "studnt*")],
)
def test_a_mistyped_asset_is_answered_with_the_one_that_was_meant(world, command, capsys):
    assert world.command(*command) == MISUSED
    assert capsys.readouterr().err == f"no asset matches '{command[-1]}': did you mean student?\n"


def test_names_that_are_joined_wrongly_are_answered_with_how_they_are(world, capsys):
    assert world.command("plan", "--select", "student or card_index") == MISUSED
    assert capsys.readouterr().err == (
        "Invalid selection string: student or card_index: names are joined as in 'key:card_index or key:edge_release'\n"
    )


def test_what_is_like_no_asset_is_answered_with_the_command_that_lists_them(world, capsys):
    assert world.command("explain", "xyz") == MISUSED
    assert capsys.readouterr().err == "no asset matches 'xyz': `make explain` tells of all there are\n"


@pytest.mark.parametrize(
    "selection", ["status:stale", "code_location:pcr", "column:card_id", "not changed_in_branch:NEW"]
)
def test_a_selection_that_only_the_ui_understands_is_one_sentence(world, selection, capsys):
    assert world.command("plan", "--select", selection) == MISUSED
    said = capsys.readouterr().err
    assert said.startswith(f"'{selection}' selects by what Dagster's UI alone can tell: ")
    assert len(said.splitlines()) == 1


def test_a_source_is_answered_with_what_is_made_from_it(world, capsys):
    """`plan` names sources as causes, so they are asked about."""
    assert world.command("explain", "student_config") == MISUSED
    assert capsys.readouterr().err == (
        "student_config: observed, not built, and so never stale; ask about what is made from it: student\n"
    )


def test_a_command_that_does_not_exist_is_not_taken_for_an_unsettled_graph(world):
    with pytest.raises(SystemExit) as stopped:
        world.command("make")
    assert stopped.value.code == MISUSED


def test_without_an_instance_the_folder_that_make_uses_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("PCR_STORE", str(tmp_path))
    assert main(["plan"]) == 1
    assert f"export DAGSTER_HOME={tmp_path}/.dagster" in capsys.readouterr().err


@pytest.mark.parametrize("home", ["store/.dagster", "/dev/null/.dagster"])
def test_an_instance_that_is_no_folder_is_refused_by_name(monkeypatch, capsys, home):
    monkeypatch.setenv("DAGSTER_HOME", home)
    assert main(["plan"]) == 1
    assert capsys.readouterr().err.startswith(f"DAGSTER_HOME is {home}, which is no absolute path of a folder")


def test_a_folder_without_scans_is_told_from_one_that_is_not_there(tmp_path):
    for folder, says in (
        ("typo", "for there is no such folder: name their folder in"),
        ("", "put some there, or name"),
    ):
        with pytest.raises(StoreError, match=says) as error:
            list_raw(Project(store=str(tmp_path / "store"), raw=str(tmp_path / folder)))
        assert str(error.value).endswith("CARDS (make) or PCR_CARDS")


def test_a_folder_of_what_is_not_read_says_what_it_holds(tmp_path):
    for name in ("cards/base/IMG_1.CR2", "cards/base/IMG_2.cr2", "cards/base.zip", "cards/.hidden.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(StoreError, match=r"only files that are not read \(2 of \.cr2, 1 of \.zip; PNG"):
        list_raw(Project(store=str(tmp_path / "store"), raw=str(tmp_path / "cards")))


def test_an_engine_that_there_is_not_is_one_sentence(monkeypatch):
    monkeypatch.setenv("PCR_ENGINE", "raj")
    with pytest.raises(EngineError) as refused:
        engines.engine_name()
    assert told(refused.value) == ("PCR_ENGINE is raj: write one of local, ray", 1)
