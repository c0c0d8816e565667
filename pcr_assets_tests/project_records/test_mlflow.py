"""The index of experiments on an MLflow server: copied once, and mended when a copy broke off."""

import json

import pytest

from pcr_assets.project_records import experiments, mlflow
from pcr_assets.project_records.models import collect
from pcr_assets_tests.project_records.mlflow_double import MlflowDouble
from pcr_assets_tests.project_records.synthetic import sources_of, store_with_models


@pytest.fixture
def server():
    double = MlflowDouble()
    yield double
    double.close()


@pytest.fixture
def index(tmp_path):
    sources, _ = sources_of(store_with_models(tmp_path / "store"))
    return experiments.index(sources, collect(sources))


def test_every_run_is_there_with_its_settings_and_measures_and_sent_once(index, server):
    tracking = mlflow.Tracking(server.url)
    assert mlflow.copy(index, tracking) == 3
    assert mlflow.copy(index, tracking) == 0
    teacher = next(run for run in server.runs.values() if run["name"] == "dinov3-teacher:v1.0")
    assert teacher["status"] == "FINISHED"
    assert teacher["params"]["settings.batch"] == "128"
    assert teacher["metrics"]["recall.hard.recall_at_1"] == 0.9
    assert "input.training_snapshot" in teacher["tags"]


def test_a_copy_that_broke_off_is_sent_anew(index, server):
    server.refuse_after = 3
    with pytest.raises(mlflow.TrackingError, match="MLflow refused runs/log-batch: the database is locked"):
        mlflow.copy(index, mlflow.Tracking(server.url))
    server.refuse_after = None
    assert mlflow.copy(index, mlflow.Tracking(server.url)) == 2, "the run that was whole is not sent again"


def test_more_settings_than_a_request_takes_go_in_several(index, server):
    index["experiments"][0]["runs"][0]["params"] = {f"layer.{n}": str(n) for n in range(250)}
    mlflow.copy(index, mlflow.Tracking(server.url))
    assert max(len(run["params"]) for run in server.runs.values()) == 250


@pytest.mark.parametrize(
    ("url", "said"), [("", "is no server: write a URL"), ("http://127.0.0.1:9", "look whether it runs")]
)
def test_a_server_that_is_none_is_told_in_one_sentence(url, said, tmp_path, capsys, index):
    from pcr_assets import layout

    file = tmp_path / layout.PROJECT / experiments.FILE
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(index))
    assert mlflow.main(["--store", str(tmp_path), "--server", url]) == 1
    assert said in capsys.readouterr().err


def test_a_store_without_an_index_says_which_asset_writes_it(tmp_path, capsys):
    assert mlflow.main(["--store", str(tmp_path), "--server", "http://127.0.0.1:9"]) == 1
    assert "make build ASSET=experiments_index" in capsys.readouterr().err
