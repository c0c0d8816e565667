"""The sensor: which arrivals start a refresh, when, and how often."""

import shutil

import dagster as dg
import pytest

from pcr_assets.automation.new_cards import TickError, new_cards_sensor
from pcr_assets.automation.refresh_job import OP, refresh_job_for


def test_an_empty_folder_asks_for_nothing(folder):
    assert [folder.tick(), folder.tick(after=600)] == [{}, {}]
    assert folder.said == f"there are no card scans in {folder.project.raw_root}"


@pytest.mark.parametrize("name", ["base1-4_Charizard.png", "base1/base1-4_Charizard.png"])
def test_new_scans_ask_once_after_the_quiet_time_flat_or_in_folders(folder, name):
    folder.put(name)
    assert [folder.sets(), folder.sets(after=30), folder.sets(after=31), folder.sets(after=600)] == [
        "",
        "",
        "base1",
        "",
    ]
    assert folder.said == "no card scan changed since the last refresh was asked for"


def test_a_set_that_is_complete_does_not_wait_for_one_that_still_arrives(folder):
    folder.put("base1-4_Charizard.png")
    for number in range(4):
        folder.put(f"jungle/base2-{number}_Card.png")
        asked = folder.sets(after=31)
    assert asked == "", "base1 was asked for before"
    assert [run.tags["pcr/sets"] for run in folder.runs.values()] == ["base1"]
    assert folder.sets(after=61) == "base2"


def test_an_upload_in_progress_is_waited_for(folder):
    for number in range(5):
        folder.put(f"base1-{number}_Card.png")
        assert not folder.tick(after=50)
    assert "base1 changed: waiting until quiet for 60 s" in folder.said
    assert folder.tick(after=61)["added"] == "5"


def test_an_upload_that_never_ends_is_waited_for_so_long_and_no_longer(folder):
    asked = []
    for number in range(30):
        folder.put(f"base1-{number}_Card.png")
        asked.append(folder.tick(after=50).get("added"))
    assert [added for added in asked if added] == ["13", "13"]


@pytest.mark.faults
def test_what_came_while_the_clock_ran_ahead_does_not_wait_until_it_is_that_late_again(folder):
    """A wrong year had it wait for so long."""
    folder.put("base1-4_Charizard.png")
    folder.tick(after=1e9)
    assert folder.sets(after=-1e9) == ""
    assert [folder.sets(after=30), folder.sets(after=31)] == ["", "base1"]


def test_a_run_says_which_sets_changed_and_how(folder, instance):
    folder.put("base1-4_Charizard.png", "base1-5_Clefairy.png", "base2-1_Clefable.png", "README.md")
    folder.tick()
    assert folder.tick(after=61) == {
        "sets": "base1, base2",
        "added": "3",
        "replaced": "0",
        "removed": "0",
        "request": "1",
    }
    folder.put("base1-4_Charizard.png", content="a better scan")
    folder.put("base1-6_Clefairy.png")
    folder.delete("base2-1_Clefable.png")
    folder.tick()
    assert folder.tick(after=61) == {
        "sets": "base1, base2",
        "added": "1",
        "replaced": "1",
        "removed": "1",
        "request": "2",
    }
    (run,) = instance.get_runs(dg.RunsFilter(tags={"pcr/request": "2"}))
    arrived = run.run_config["ops"][OP]["config"]["arrived"]
    assert arrived == {"base1": "1 added, 1 replaced", "base2": "1 removed"}


def test_without_its_record_of_scans_it_names_the_sets_and_no_numbers(folder, tmp_path):
    folder.put("base1-4_Charizard.png", "base2-1_Clefable.png")
    folder.tick()
    folder.tick(after=61)
    shutil.rmtree(tmp_path / "scratch")
    folder.put("base1-5_Clefairy.png")
    folder.tick()
    assert folder.tick(after=61) == {"sets": "base1", "request": "2"}


def test_the_last_scan_of_all_deleted_is_a_change(folder):
    folder.put("base1-4_Charizard.png")
    folder.tick()
    folder.tick(after=61)
    folder.delete("base1-4_Charizard.png")
    folder.tick()
    asked = folder.tick(after=61)
    assert (asked["sets"], asked["removed"]) == ("base1", "1")
    assert not folder.tick(after=600)


def test_a_change_taken_back_in_time_asks_for_nothing_and_one_taken_back_late_asks_again(folder):
    folder.put("base1-4_Charizard.png")
    folder.tick()
    folder.tick(after=61)
    for wait in (10, 61):
        folder.put("base1-5_Clefairy.png")
        folder.tick()
        folder.tick(after=wait)
        folder.delete("base1-5_Clefairy.png")
        folder.tick()
        folder.tick(after=61)
    assert [run.tags["pcr/request"] for run in folder.runs.values()] == ["1", "2", "3"]


def test_what_is_no_picture_is_no_change(folder):
    folder.put("base1-4_Charizard.png")
    folder.tick()
    folder.tick(after=61)
    folder.put("README.md", "base1-9_Notes.txt")
    assert [folder.tick(), folder.tick(after=61)] == [{}, {}]


def test_a_card_that_the_catalogue_moves_changes_both_sets(folder):
    folder.put("base1-4_Charizard.png")
    folder.tick()
    folder.tick(after=61)
    folder.put("cards.csv", content="path,card_id,set\nbase1-4_Charizard.png,base1-4,classics\n")
    folder.tick()
    asked = folder.tick(after=61)
    assert (asked["sets"], asked["added"], asked["removed"]) == ("base1, classics", "1", "1")


def test_nothing_is_asked_while_a_refresh_is_under_way(folder, instance):
    run = instance.create_run_for_job(folder.job, status=dg.DagsterRunStatus.NOT_STARTED)
    folder.put("base1-4_Charizard.png")
    folder.tick()
    assert not folder.tick(after=61)
    assert "a refresh is under way" in folder.said
    instance.report_run_canceled(run)
    assert folder.tick(after=1)


def test_a_daemon_that_died_after_its_request_asks_for_nothing_twice_and_misses_nothing(folder):
    folder.put("base1-4_Charizard.png")
    folder.put("base2-1_Clefable.png")
    folder.tick()
    folder.put("base2-2_Electrode.png")
    folder.tick(after=30)
    assert folder.tick(after=31, dies=True)["sets"] == "base1"
    folder.restart()
    for _ in range(6):  # base2 is due by now too: the request would be another one, and ask for base1 again
        folder.tick(after=61)
    assert [run.tags["pcr/sets"] for run in folder.runs.values()] == ["base1", "base2"]


def test_a_daemon_that_died_before_its_request_asks_for_it(folder):
    folder.put("base1-4_Charizard.png")
    folder.tick(dies=True)
    folder.tick(after=61)
    assert folder.sets(after=61) == "base1"


@pytest.mark.parametrize("cursor", ['{"listing": "of an older version"}', "no cursor at all", ""])
def test_a_cursor_that_cannot_be_read_goes_on_from_the_last_run(folder, cursor):
    folder.put("base1-4_Charizard.png")
    folder.tick()
    folder.tick(after=61)
    folder.cursor = cursor
    assert [folder.tick(after=61) for _ in range(4)] == [{}] * 4


def test_the_sensor_is_off_until_somebody_turns_it_on():
    assert new_cards_sensor(refresh_job_for(dg.Definitions)).default_status is dg.DefaultSensorStatus.STOPPED


def test_a_tick_that_cannot_look_says_why_in_a_sentence(folder):
    """Dagster's own error came first, and the sentence below two tracebacks, on the page and every 30 s in the daemon's log."""
    folder.put("base1-1_Bulbasaur.png")
    folder.put("cards.csv", content='path,card_id,name\nbase1-1_Bulbasaur.png,base1-1,"Bulbasaur\n')
    with pytest.raises(TickError, match=r"cards.csv is no CSV file .*: save it as CSV in UTF-8$") as ended:
        folder.tick()
    assert ended.value.__context__ is None


@pytest.mark.parametrize(
    ("name", "value"), [("PCR_QUIET_SECONDS", "soon"), ("PCR_MOST_SECONDS", "-1"), ("PCR_SQS_QUEUE", "cards")]
)
def test_a_setting_that_cannot_be_used_is_named(folder, monkeypatch, name, value):
    folder.watch = None
    folder.restart()
    monkeypatch.setenv(name, value)
    with pytest.raises(TickError, match=f"{name} is '{value}': give"):
        folder.tick()
