"""MLflow's database in the store: each run once, told what has changed, made anew when it is lost."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from pcr_assets import layout
from pcr_assets.project_records import experiments, tracking
from pcr_assets.project_records.placing import place
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import StoreError, open_store
from pcr_assets_tests.project_records.synthetic import P4D, index_of, log, publish, store_with_models, told_of

WORK = count()


def refresh(artifacts, tmp_path, runs=None):
    """What the asset does: gives what was published, and how many runs were told of."""
    work = tmp_path / f"work{next(WORK)}"
    work.mkdir()
    kept = tracking.keep(artifacts, told_of(artifacts) if runs is None else runs, work)
    return place(artifacts, layout.EXPERIMENTS, kept.files, kept.record, kept.digest), kept.told


def opened(artifacts, tmp_path):
    """What a person does: fetch the file, open it with MLflow."""
    mine = tmp_path / f"mine{next(WORK)}.db"
    shutil.copyfile(artifacts.store.fetch(tracking.FILE), mine)
    return tracking._client(f"sqlite:///{mine}")


def runs_in(artifacts, tmp_path):
    return {run.data.tags["model"]: run for _, run in tracking.found(opened(artifacts, tmp_path))}


@pytest.fixture(scope="module")
def told_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    artifacts = store_with_models(folder / "store")
    assert refresh(artifacts, folder)[1] == 3
    return folder / "store"


@pytest.fixture
def artifacts(told_once, tmp_path):
    shutil.copytree(told_once, tmp_path / "store")
    return Artifacts(open_store(str(tmp_path / "store")))


def test_a_run_has_its_settings_measures_and_curves_and_says_where_its_files_are(artifacts, tmp_path):
    client = opened(artifacts, tmp_path)
    (teacher,) = [run for name, run in tracking.found(client) if name == "pokemon-card-teacher-weights"]
    assert (teacher.info.run_name, teacher.info.status) == ("dinov3-teacher:v1.0", "FINISHED")
    assert teacher.data.params["settings.phases.0.steps"] == "3"
    assert teacher.data.metrics["recall.hard.recall_at_1"] == 0.9
    loss = client.get_metric_history(teacher.info.run_id, "loss")
    assert [(point.step, point.value) for point in loss] == [(1, 3.0), (2, 2.0), (3, 1.5)]
    assert teacher.data.tags["artifacts"] == "models/dinov3-teacher/v1.0/"
    assert teacher.data.tags["digest"] == artifacts.current(layout.TEACHER).digest
    stage1 = runs_in(artifacts, tmp_path)["efficientnet-student-stage1:v1.0"]
    assert stage1.data.tags[f"parent.{layout.TEACHER}"] == teacher.data.tags[experiments.RUN]


def test_the_index_is_what_mlflow_finds(artifacts, tmp_path):
    found = experiments.index(tracking.found(opened(artifacts, tmp_path)))
    for experiment in found["experiments"]:
        assert experiment["runs"][0]["metrics"].pop("loss") == 1.5
    assert found == index_of(artifacts)


def test_the_same_runs_are_told_once_and_nothing_is_written_again(artifacts, tmp_path):
    before, file = artifacts.current(layout.EXPERIMENTS), tmp_path / "store" / tracking.FILE
    written = file.stat().st_mtime_ns
    assert refresh(artifacts, tmp_path) == (before, 0)
    assert file.stat().st_mtime_ns == written


def test_mlflow_is_asked_nothing_where_it_was_told_all(artifacts, tmp_path, monkeypatch):
    before = artifacts.current(layout.EXPERIMENTS)

    def asked(_):
        raise AssertionError("MLflow was asked")

    monkeypatch.setattr(tracking, "_database", asked)
    assert refresh(artifacts, tmp_path) == (before, 0)
    monkeypatch.setattr(tracking, "version", lambda _: "another one")
    with pytest.raises(AssertionError, match="MLflow was asked"):
        refresh(artifacts, tmp_path)


def test_a_new_run_is_added_and_the_others_keep_their_names(artifacts, tmp_path):
    before = {name: run.info.run_id for name, run in runs_in(artifacts, tmp_path).items()}
    newer = publish(artifacts, layout.TEACHER, {"metrics.json": b'{"curves": {"loss": [1.0, 0.5]}}'}, {})
    log(artifacts, "teacher_weights", newer, 10.0, P4D)
    _, told = refresh(artifacts, tmp_path)
    now = runs_in(artifacts, tmp_path)
    assert told == 2, "the new one, and the one that is current no more"
    assert now.keys() - before.keys() == {"dinov3-teacher:v1.1"}
    assert before.items() <= {name: run.info.run_id for name, run in now.items()}.items()
    assert now["dinov3-teacher:v1.0"].data.tags["is_current"] == "false"
    assert now["dinov3-teacher:v1.0"].data.metrics["recall.hard.recall_at_1"] == 0.9, "what was measured on it stays"


@pytest.mark.parametrize("price", [1.0, 9.0])
def test_another_price_is_the_next_step_of_the_cost(artifacts, tmp_path, price):
    runs = [replace(run, metrics={**run.metrics, "cost_usd": price}) for run in told_of(artifacts)]
    refresh(artifacts, tmp_path, runs)
    assert refresh(artifacts, tmp_path, runs)[1] == 0
    client = opened(artifacts, tmp_path)
    (teacher,) = [run for name, run in tracking.found(client) if name == "pokemon-card-teacher-weights"]
    assert teacher.data.metrics["cost_usd"] == price, "also where it is lower"
    assert [point.step for point in client.get_metric_history(teacher.info.run_id, "cost_usd")] == [0, 1]


def test_a_telling_that_broke_off_is_gone_on_with_in_the_same_run(tmp_path):
    artifacts = store_with_models(tmp_path / "store")
    runs = [replace(run, params={f"layer.{n}": str(n) for n in range(250)}) for run in told_of(artifacts)]
    with tracking._database(tmp_path / "mlflow.db") as client:
        client.set_terminated = lambda *_: 1 / 0
        with pytest.raises(ZeroDivisionError):
            tracking.tell(client, runs)
        assert list(tracking.found(client)) == [], "half a run is none"
        del client.set_terminated
        assert tracking.tell(client, runs) == 3
        found = [run for _, run in tracking.found(client)]
        assert len(client.search_runs([run.info.experiment_id for run in found])) == 3
        assert all(len(run.data.params) == 250 for run in found), "more than a request takes"


def test_in_a_bucket_it_is_fetched_told_and_put_back(bucket, tmp_path):
    artifacts = store_with_models(bucket)
    assert [refresh(artifacts, tmp_path)[1] for _ in range(2)] == [3, 0]
    artifacts.store.remove(experiments.FILE)
    assert refresh(artifacts, tmp_path)[1] == 0, "the index is derived anew from the database that is there"
    teacher = runs_in(artifacts, tmp_path)["dinov3-teacher:v1.0"]
    assert teacher.data.tags["artifacts"] == f"{bucket}/models/dinov3-teacher/v1.0/"


def test_a_database_that_is_lost_is_made_anew_and_the_content_is_the_same(artifacts, tmp_path):
    before = artifacts.current(layout.EXPERIMENTS)
    (tmp_path / "store" / tracking.FILE).unlink()
    assert artifacts.find(layout.EXPERIMENTS) is None, "the planner sees it"
    after, told = refresh(artifacts, tmp_path)
    assert (after.digest, told) == (before.digest, 3)
    assert artifacts.fetch(artifacts.current(layout.EXPERIMENTS), tracking.FILE).stat().st_size


def test_a_file_of_somebody_else_in_its_place_is_kept_aside(artifacts, tmp_path):
    theirs = b"what a person did to it"
    (tmp_path / "store" / tracking.FILE).write_bytes(theirs)
    assert refresh(artifacts, tmp_path)[1] == 3
    (aside,) = (tmp_path / "store" / layout.REPLACED / layout.EXPERIMENTS).iterdir()
    assert aside.read_bytes() == theirs


def test_a_database_of_a_newer_mlflow_is_refused_in_one_sentence(artifacts, tmp_path):
    newer = tmp_path / "newer.db"
    shutil.copyfile(artifacts.store.fetch(tracking.FILE), newer)
    with sqlite3.connect(newer) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'fedcba987654'")
    place(artifacts, layout.EXPERIMENTS, {tracking.FILE: newer.read_bytes()})
    with pytest.raises(tracking.TrackingError, match=r"experiments/mlflow/mlflow\.db is of a newer MLflow"):
        refresh(artifacts, tmp_path)


def test_curves_that_are_none_are_told_with_the_file(artifacts):
    (run, *_) = told_of(artifacts)
    key = f"{run.tags['artifacts']}metrics.json"
    artifacts.store.write(key, b"[1")
    with pytest.raises(StoreError, match=r"metrics\.json holds no curves of a training"):
        run.curves()
    artifacts.store.remove(key)
    assert run.curves() == {}


def test_a_long_curve_is_thinned_and_keeps_its_end():
    points = [(step, 1 / step) for step in range(1, 1602)]
    thinned = experiments._thinned(points)
    assert len(thinned) <= experiments.MOST_POINTS
    assert thinned[-1] == points[-1]
    assert experiments._thinned(points[:10]) == points[:10]
    assert experiments._thinned([]) == []


def test_the_database_names_no_machine_and_no_path_of_one(artifacts, tmp_path):
    data = artifacts.store.read(tracking.FILE)
    here = [tmp_path.parent, Path.cwd(), sys.prefix, socket.gethostname(), "mlruns"]
    assert [name for name in here if str(name).encode() in data] == []


ALONE = """
import pickle, socket, sys, threading
from pathlib import Path

def refused(*what, **_):
    sys.exit(f"no: {what}")

asked = []
socket.socket.connect = socket.getaddrinfo = lambda *what, **_: asked.append(what) or refused(*what)
from pcr_assets.project_records import tracking
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store
from pcr_assets_tests.project_records.synthetic import told_of
tracking._client("http://127.0.0.1:9")  # MLflow is imported from here on
pickle.load = pickle.loads = pickle.Unpickler = refused
artifacts = Artifacts(open_store(sys.argv[1]))
artifacts.store.remove(tracking.FILE)
assert tracking.keep(artifacts, told_of(artifacts), Path(sys.argv[2])).told == 3
import mlflow.telemetry
assert mlflow.telemetry.get_telemetry_client() is None
assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
assert asked == []
"""


def test_it_reports_to_nobody_and_opens_no_pickle(artifacts, tmp_path):
    """In a process that MLflow can't know for a test or for a machine of CI, where it would report nothing anyway."""
    seen = ("PATH", "PYTHONPATH", "HOME", "LANG", "VIRTUAL_ENV")
    env = {name: os.environ[name] for name in seen if name in os.environ}
    (tmp_path / "alone").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", ALONE, artifacts.store.root, str(tmp_path / "alone")],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_what_somebody_deleted_takes_no_run_and_keeps_no_other_from_being_told(artifacts, tmp_path):
    """MLflow refuses a run of a deleted experiment, and what is told of a deleted run: a server's asset failed at each refresh."""
    client, (first, *others) = opened(artifacts, tmp_path), told_of(artifacts)
    assert tracking.tell(client, [replace(first, experiment="deleted")]) == 1
    client.delete_experiment(client.get_experiment_by_name("deleted").experiment_id)
    begun = client.create_run(client.create_experiment("broken off"), tags={tracking.RUN: first.run_id})
    client.delete_run(begun.info.run_id)
    gone = [replace(first, experiment="deleted", run_id="another"), replace(first, experiment="broken off")]
    told = [*gone, replace(others[0], experiment="kept")]
    assert [tracking.tell(client, told) for _ in range(2)] == [1, 0]
