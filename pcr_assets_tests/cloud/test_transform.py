"""A batch transform on moto, which runs no container: this test answers in its place, with the very handlers."""

import json
import os
import signal

import boto3
import pytest
import yaml
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from moto.sagemaker.models import FakeTransformJob, sagemaker_backends
from PIL import Image

from edge_runtime.inference import handlers
from pcr_assets import layout
from pcr_assets.cloud import package_book, registry, transform
from pcr_assets.cloud.clients import CloudError
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store
from pcr_assets.serving.settings import ServingSettings
from pcr_assets_tests.cloud.endpoint_double import ACCOUNT, CHOSEN, PACKAGE, REGION
from pcr_assets_tests.small_model import small_model
from pcr_assets_tests.small_student import painted_cards


@pytest.fixture
def sagemaker(aws, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    return boto3.client("sagemaker")


def held():
    return sagemaker_backends[ACCOUNT][REGION]


def test_answers_are_gathered_into_one_file(s3, sagemaker, tmp_path, monkeypatch, capsys):
    model = handlers.model_fn(small_model(tmp_path / "model.onnx").parent)
    Image.fromarray(painted_cards(1)[0]).save(tmp_path / "card.png")
    for key, data in {"base1-1.png": (tmp_path / "card.png").read_bytes(), "base1-2.png": b"no picture"}.items():
        s3.put_object(Bucket="training", Key=f"in/{key}", Body=data)
    monkeypatch.setenv(handlers.BATCH, "true")
    begin = FakeTransformJob.__init__

    def answering(job, **asked):
        """What SageMaker does: one request for each object below the prefix, the answer beside its name."""
        begin(job, **asked)
        source = asked["transform_input"]["DataSource"]["S3DataSource"]["S3Uri"].removeprefix("s3://training/")
        output = asked["transform_output"]["S3OutputPath"].removeprefix("s3://training/")
        for entry in s3.list_objects_v2(Bucket="training", Prefix=source)["Contents"]:
            body = s3.get_object(Bucket="training", Key=entry["Key"])["Body"].read()
            picture = handlers.input_fn(body, asked["transform_input"]["ContentType"])
            text, _ = handlers.output_fn(handlers.predict_fn(picture, model), asked["transform_output"]["Accept"])
            s3.put_object(Bucket="training", Key=f"{output}/{entry['Key'].removeprefix(source)}.out", Body=text)

    monkeypatch.setattr(FakeTransformJob, "__init__", answering)
    artifacts = Artifacts(open_store(str(tmp_path / "store" / layout.PROJECT)))
    registry.ensure_group(sagemaker, "models")
    approved = sagemaker.create_model_package(ModelPackageGroupName="models", ModelApprovalStatus="Approved")
    entry = {"arn": approved["ModelPackageArn"], "status": "Approved", "digest": "d", "archive": "a"}
    package_book.write(artifacts, {"efficientnet-student-stage2:v1.0": entry})
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"extends": "embedded", "serving": {"role": CHOSEN.role}}))
    where = ["--store", str(tmp_path / "store"), "--profile", str(tmp_path / "mine.yaml")]
    output = tmp_path / "found.jsonl"
    assert transform.main(["s3://training/in", "s3://training/out", "--to", str(output), *where]) == 0
    first, second = (json.loads(line) for line in output.read_text().splitlines())
    assert len(first["embedding"]) == model.dim
    assert second == {"key": "base1-2.png", "quarantined": second["quarantined"]}
    assert "base1-2.png is no picture" in second["quarantined"]
    said = capsys.readouterr()
    assert "1 embedded, 1 quarantined" in said.out
    assert "quarantined  base1-2.png is no picture" in said.err
    assert not held()._models, "the job's model is gone"


def ended_as(monkeypatch, status, reason):
    begin = FakeTransformJob.__init__

    def ended(job, **asked):
        begin(job, **asked)
        job.transform_job_status, job.failure_reason = status, reason

    monkeypatch.setattr(FakeTransformJob, "__init__", ended)


def test_a_job_that_fails_gives_its_reason_and_leaves_no_model(sagemaker, monkeypatch):
    ended_as(monkeypatch, "Failed", "InternalServerError: no machine of this kind was free")
    stopped = answers_to_stop(sagemaker)
    with pytest.raises(CloudError, match="ended as Failed: InternalServerError: no machine"):
        transform.run(sagemaker, f"{PACKAGE}2", "s3://training/in", "s3://training/out", CHOSEN)
    assert not held()._models
    assert len(stopped) == 1


def test_a_job_whose_waiting_is_interrupted_is_stopped(sagemaker, monkeypatch):
    ended_as(monkeypatch, "InProgress", "")

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    stopped = answers_to_stop(sagemaker)
    with pytest.raises(KeyboardInterrupt):
        transform.run(sagemaker, f"{PACKAGE}2", "s3://training/in", "s3://training/out", CHOSEN, name="mine")
    assert stopped == [{"TransformJobName": "mine"}]
    assert not held()._models


def test_a_job_whose_start_was_not_answered_is_stopped(sagemaker):
    def lose(**_):
        raise ReadTimeoutError(endpoint_url="https://api.sagemaker")

    sagemaker.meta.events.register("after-call.sagemaker.CreateTransformJob", lose)
    stopped = answers_to_stop(sagemaker)
    with pytest.raises(CloudError, match="could not start the job mine"):
        transform.run(sagemaker, f"{PACKAGE}2", "s3://training/in", "s3://training/out", CHOSEN, name="mine")
    assert stopped == [{"TransformJobName": "mine"}]
    assert not held()._models


def test_a_network_that_is_away_for_a_while_stops_no_job(sagemaker):
    away = [EndpointConnectionError(endpoint_url="https://api.sagemaker")]

    def lost(**_):
        if away:
            raise away.pop()

    sagemaker.meta.events.register("before-call.sagemaker.DescribeTransformJob", lost)
    stopped = answers_to_stop(sagemaker)
    transform.run(sagemaker, f"{PACKAGE}2", "s3://training/in", "s3://training/out", CHOSEN)
    assert (away, stopped) == ([], [])


def test_a_job_that_can_not_be_stopped_is_named_beside_what_went_wrong(sagemaker, monkeypatch):
    ended_as(monkeypatch, "InProgress", "")

    def refuse(**_):
        error = {"Error": {"Code": "AccessDeniedException", "Message": "no"}, "ResponseMetadata": {}}
        return AWSResponse("http://here", 400, {}, None), error

    sagemaker.meta.events.register("before-call.sagemaker.StopTransformJob", refuse)
    monkeypatch.setattr("time.monotonic", iter(range(0, 10**9, 10**5)).__next__)
    with pytest.raises(
        CloudError, match=r"took longer than 240 minutes.*is left, and may cost money: transform job mine"
    ):
        transform.run(sagemaker, f"{PACKAGE}2", "s3://training/in", "s3://training/out", CHOSEN, name="mine")


@pytest.mark.usefixtures("listening_to_no_signal")
def test_a_job_whose_command_is_ended_is_stopped(sagemaker, monkeypatch):
    ended_as(monkeypatch, "InProgress", "")
    monkeypatch.setattr("time.sleep", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    stopped = answers_to_stop(sagemaker)
    with pytest.raises(KeyboardInterrupt):
        transform.run(sagemaker, f"{PACKAGE}2", "s3://training/in", "s3://training/out", CHOSEN, name="mine")
    assert stopped == [{"TransformJobName": "mine"}]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def answers_to_stop(sagemaker):
    """moto can't stop a job: this answers as SageMaker does, and keeps what was asked."""
    asked = []

    def stop(params, **_):
        asked.append(json.loads(params["body"]))
        return AWSResponse("http://here", 200, {}, None), {}

    sagemaker.meta.events.register("before-call.sagemaker.StopTransformJob", stop)
    return asked


@pytest.mark.parametrize(
    ("to", "said"), [("x.csv", "must end in .jsonl or .parquet"), ("none/x.jsonl", "there is no folder")]
)
def test_a_file_that_can_not_be_written_is_refused_before_machines_are_rented(to, said, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(transform.registry, "to_serve", lambda *_: pytest.fail("it went on"))
    assert (
        transform.main(["s3://training/in", "s3://training/out", "--to", str(tmp_path / to), "--store", str(tmp_path)])
        == 1
    )
    assert said in capsys.readouterr().err


def test_folders_and_a_missing_role_are_refused_before_anything_is_made(sagemaker):
    with pytest.raises(CloudError, match="pictures is no bucket"):
        transform.run(sagemaker, PACKAGE, "pictures", "s3://training/out", CHOSEN)
    with pytest.raises(CloudError, match=r"serving\.role is empty"):
        transform.run(sagemaker, PACKAGE, "s3://training/in", "s3://training/out", ServingSettings())
    assert not held()._models
