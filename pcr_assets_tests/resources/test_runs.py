"""The log of runs: what is written once beside the artifacts, and how long a run took that was killed on the way."""

import json
import os
import threading
from dataclasses import replace

import pytest

from pcr_assets.resources import hardware, runs
from pcr_assets.resources.artifacts import Artifact
from pcr_assets.resources.store import FolderStore, StoreError

MODEL = Artifact("models/teacher", "v1.0", "d" * 64, {}, {})


def test_a_run_is_kept_once_and_read_again(tmp_path):
    store = FolderStore(str(tmp_path / "store"))
    (tmp_path / "work").mkdir()
    run = runs.Stopwatch(tmp_path / "work").ended(
        "teacher_weights", MODEL, hardware=hardware.here(2), settings={"a": 1}
    )
    runs.keep(store, run)
    runs.keep(store, run)
    (read,) = runs.logged(store)
    assert read == run
    assert (read.attempts, read.billed_seconds, read.hardware["threads"]) == (1, None, 2)
    assert read.started.endswith("Z") and "host" not in read.hardware


def test_the_runs_of_years_are_read_several_at_a_time(tmp_path, monkeypatch):
    """Four assets read them all in a refresh: a thousand requests to a bucket each, one after the other."""
    store = FolderStore(str(tmp_path / "store"))
    (tmp_path / "work").mkdir()
    run = runs.Stopwatch(tmp_path / "work").ended("teacher_weights", MODEL)
    for digest in "abcd":
        runs.keep(store, replace(run, digest=digest * 64))
    read, together = store.read, threading.Barrier(4, timeout=20)
    monkeypatch.setattr(store, "read", lambda key: (together.wait(), read(key))[1])
    assert [each.digest[0] for each in runs.logged(store)] == [*"abcd"]


def test_a_killed_run_counts_up_to_the_last_file_it_wrote(tmp_path, monkeypatch):
    clock = [1_000_000.0]
    for of in ("time.time", "monotonic"):
        monkeypatch.setattr(f"pcr_assets.resources.runs.{of}", lambda: clock[0])
    runs.Stopwatch(tmp_path)
    os.utime(tmp_path / runs.BEGAN, (clock[0], clock[0]))
    checkpoint = tmp_path / "checkpoint"
    checkpoint.touch()
    os.utime(checkpoint, (clock[0] + 50, clock[0] + 50))
    clock[0] += 500  # killed at 50 s, started again long after
    again = runs.Stopwatch(tmp_path)
    clock[0] += 10
    run = again.ended("teacher_weights", MODEL)
    assert (run.seconds, run.attempts) == (60.0, 2)
    assert run.started == runs.stamp(1_000_000)
    assert runs.Stopwatch(tmp_path).ended("teacher_weights", MODEL).attempts == 1, "a run that ended is over"


def test_who_waited_for_another_run_at_the_same_work_is_no_run_of_its_own(tmp_path, monkeypatch):
    """Two clicks on *Materialize*: the second one's watch runs while it waits, and that is no training."""
    clock = [1_000_000.0]
    for of in ("time.time", "monotonic"):
        monkeypatch.setattr(f"pcr_assets.resources.runs.{of}", lambda: clock[0])
    work, store = tmp_path / "work", FolderStore(str(tmp_path / "store"))
    work.mkdir()
    trains = runs.Stopwatch(work)
    clock[0] += 10
    waits = runs.Stopwatch(work)
    clock[0] += 90
    runs.keep(store, trains.ended("teacher_weights", MODEL))
    clock[0] += 5
    runs.keep(store, waits.ended("teacher_weights", MODEL))
    (kept,) = runs.logged(store)
    assert (kept.seconds, kept.attempts) == (100.0, 1)


def test_a_clock_that_is_set_during_a_run_changes_nothing_of_what_it_took(tmp_path, monkeypatch):
    watch = runs.Stopwatch(tmp_path)
    monkeypatch.setattr(runs.time, "time", lambda: 1_000_000.0)
    assert 0 <= watch.ended("teacher_weights", MODEL).seconds < 60


def test_a_rented_machine_is_named_by_its_type(monkeypatch):
    monkeypatch.setenv("SM_CURRENT_INSTANCE_TYPE", "ml.p4d.24xlarge")
    assert hardware.here(8)["instance"] == "ml.p4d.24xlarge"


def test_a_file_that_is_no_run_is_named(tmp_path):
    store = FolderStore(str(tmp_path))
    store.write("experiments/runs/x/y.json", json.dumps({"asset": "x"}).encode())
    with pytest.raises(StoreError, match=r"experiments/runs/x/y\.json is no record of a run"):
        runs.logged(store)
