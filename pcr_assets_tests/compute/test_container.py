"""The program inside a training job, in a folder that looks like /opt/ml."""

import json
import os

import boto3
import dagster_pipes
import pytest

from pcr_assets.compute import container
from pcr_assets.compute.container import BadContainer, cluster
from pcr_assets.compute.pipes_messages import GoingOn
from pcr_assets_tests.compute.conftest import MODULE

INTERRUPTED = "pcr_assets_tests.compute.interrupted_program"


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Write what SageMaker writes for one host, and run the program there; gives its code."""
    monkeypatch.setattr(container, "STARTER", "pcr_assets_tests.compute.one_process")

    def run(module=MODULE, **job):
        shard = tmp_path / "input/data/staged/shard.txt"
        for file, value in {
            "input/config/hyperparameters.json": {"module": module, "processes": "1"},
            "input/config/resourceconfig.json": {"current_host": "algo-1", "hosts": ["algo-1"]},
            "input/data/job/job.json": {"shards": ["/opt/ml/input/data/staged/shard.txt"], **job},
        }.items():
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text(json.dumps(value))
        shard.parent.mkdir(exist_ok=True)
        shard.write_text("cards")
        return container.main(["train"], tmp_path)

    return run


def test_results_go_to_the_model_folder_and_say_what_they_were_made_on(host, tmp_path):
    assert host() == 0
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "assess.json", "hardware.json", "metrics.json", "model.json", "weights.safetensors",
    ]  # fmt: skip
    assert json.loads((tmp_path / "model/metrics.json").read_text())["read"] == ["cards"]
    assert json.loads((tmp_path / "model/hardware.json").read_text())["threads"] == os.cpu_count()


def test_a_restarted_host_goes_on_from_the_checkpoints_that_were_brought_back(host, tmp_path):
    (tmp_path / "checkpoints/checkpoints").mkdir(parents=True)
    (tmp_path / "checkpoints/checkpoints/step").write_text("7")
    assert host() == 0
    assert json.loads((tmp_path / "model/metrics.json").read_text())["steps"] == 8


def test_a_failure_is_left_as_one_sentence_where_sagemaker_looks_for_it(host, tmp_path):
    assert host(fails="there is no weights file /x: put it there") == 1
    assert (tmp_path / "output/failure").read_text() == "teacher: there is no weights file /x: put it there"
    assert not (tmp_path / "model").exists()


def test_an_interruption_is_no_failure(host, tmp_path):
    assert host(INTERRUPTED) == 143
    assert not (tmp_path / "output").exists()


def test_an_image_that_is_started_by_hand_says_what_starts_it(tmp_path, capsys):
    assert container.main(["train"], tmp_path) == 1
    assert "is not there: this image is started by SageMaker, not by hand" in capsys.readouterr().err


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_not_be_written_says_how_to_build_the_image(host, tmp_path):
    (tmp_path / "checkpoints").mkdir(mode=0o500)
    assert host() == 1
    assert "RUN_AS=0" in (tmp_path / "output/failure").read_text()


def test_all_hosts_meet_at_the_first_one():
    told = {"SM_HOSTS": '["algo-2", "algo-1"]', "SM_CURRENT_HOST": "algo-2", "SM_NUM_GPUS": "8"}
    here = cluster(told, {}, 0)
    assert not here.leads
    meeting = ["--nodes", "2", "--node", "1", "--rendezvous", "algo-1:29500"]
    assert here.starter() == ["--processes", "8", *meeting]
    assert cluster({"SM_NUM_GPUS": "0"}, {"hosts": ["algo-1"], "current_host": "algo-1"}, 0).starter() == [
        "--processes",
        "1",
    ]
    assert cluster({"SM_NUM_GPUS": "8"}, {}, 4).processes == 4
    with pytest.raises(BadContainer, match="is called algo-3 and is none of algo-1"):
        cluster({"SM_HOSTS": '["algo-1"]', "SM_CURRENT_HOST": "algo-3"}, {}, 1)


def test_a_restarted_host_numbers_its_messages_after_those_that_were_read(s3):
    for number in (1, 2, 10):
        s3.put_object(Bucket="training", Key=f"stem/pipes/{number}.json", Body=b"{}")
    s3.put_object(Bucket="training", Key="stem/pipes/context-x/context.json", Body=b"{}")
    channel = GoingOn(s3).make_channel({"bucket": "training", "key_prefix": "stem/pipes"})
    channel.upload_messages_chunk(__import__("io").StringIO("message"), channel._counter)
    assert s3.get_object(Bucket="training", Key="stem/pipes/11.json")["Body"].read() == b"message"


def test_a_job_trains_on_where_dagster_can_not_be_told(host, s3, monkeypatch, capsys):
    where = {"bucket": "training", "key": "gone/context.json", "key_prefix": "gone"}
    monkeypatch.setenv(dagster_pipes.DAGSTER_PIPES_CONTEXT_ENV_VAR, dagster_pipes.encode_param(where))
    monkeypatch.setenv(dagster_pipes.DAGSTER_PIPES_MESSAGES_ENV_VAR, dagster_pipes.encode_param(where))
    monkeypatch.setattr(boto3, "client", lambda name: s3)
    assert host() == 0
    assert "Dagster can't be told how the job goes on" in capsys.readouterr().out
