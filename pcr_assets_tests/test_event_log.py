"""Our connections to Dagster's SQLite files: the same records as Dagster's own, seen at once by whoever else has them open."""

import shutil
import threading
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from pcr_assets import event_log
from pcr_assets.event_log import SqliteEventLog, SqliteStorage


@dg.asset
def letters() -> dg.MaterializeResult:
    return dg.MaterializeResult(data_version=dg.DataVersion("a"))


@pytest.fixture
def ours(tmp_path):
    """An instance as our dagster.yaml opens it."""
    shutil.copy(Path(__file__).parents[1] / "dagster.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert isinstance(instance.event_log_storage, SqliteEventLog)
        yield instance


def test_dagsters_own_storage_reads_what_ours_wrote_and_writes_what_ours_reads(ours, tmp_path):
    run = dg.materialize([letters], instance=ours)
    theirs = DagsterSqliteStorage.from_local(str(tmp_path))
    said = [[entry.dagster_event_type for entry in log.get_logs_for_run(run.run_id)]
            for log in (ours.event_log_storage, theirs.event_log_storage)]  # fmt: skip
    assert said[0] == said[1]
    (record,) = theirs.event_log_storage.get_asset_records([letters.key])
    assert record == ours.get_asset_records([letters.key])[0]
    theirs.event_log_storage.wipe_asset(letters.key)
    assert ours.get_latest_data_version_record(letters.key) is None


def test_a_dagster_of_another_version_opens_the_same_records_itself(ours, tmp_path, monkeypatch):
    run = dg.materialize([letters], instance=ours)
    monkeypatch.setattr(dg, "__version__", "1.14.0")
    with dg.DagsterInstance.from_config(str(tmp_path)) as theirs:
        assert type(theirs.event_log_storage) is SqliteEventLogStorage
        assert theirs.get_asset_records([letters.key])[0].asset_entry.last_run_id == run.run_id


def test_whoever_follows_a_run_sees_each_event_as_it_is_written(ours, tmp_path):
    follower, seen, enough = DagsterSqliteStorage.from_local(str(tmp_path)), [], threading.Event()
    run = ours.create_run_for_job(dg.define_asset_job("job", [letters]).resolve(asset_graph=_graph()))

    def note(entry, _):
        seen.append(entry.message)
        enough.set()

    follower.event_log_storage.watch(run.run_id, None, note)
    try:
        ours.report_engine_event("written", run)
        assert enough.wait(20)
    finally:
        follower.event_log_storage.end_watch(run.run_id, note)
        follower.event_log_storage.dispose()
    assert "written" in seen


def _graph():
    return dg.Definitions(assets=[letters]).resolve_asset_graph()


def test_a_run_of_long_ago_is_read_again_and_few_files_stay_open(ours, monkeypatch):
    monkeypatch.setattr(event_log, "MOST_ENGINES", 2)
    runs = [dg.materialize([letters], instance=ours).run_id for _ in range(4)]
    assert set(ours.event_log_storage._engines) == {"index", *runs[2:]}
    counts = {len(ours.all_logs(run)) for run in runs}
    assert len(counts) == 1, counts
    assert counts != {0}
    assert len(ours.event_log_storage._engines) == 3


def test_threads_share_the_connection_to_the_index(ours):
    run, found = dg.materialize([letters], instance=ours).run_id, []
    threads = [threading.Thread(target=lambda: found.extend(ours.get_asset_records([letters.key]))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {record.asset_entry.last_run_id for record in found} == {run}
    assert len(found) == len(threads)


def test_nothing_is_open_after_the_instance_is_closed(tmp_path):
    storage = SqliteStorage.from_local(str(tmp_path))
    assert storage.event_log_storage.get_asset_records([letters.key]) == []
    index = tmp_path / "history" / "runs" / "index.db-wal"
    assert index.exists()
    storage.dispose()
    assert not index.exists(), "the last connection moves the log into the file as it closes"
