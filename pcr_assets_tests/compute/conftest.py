"""A bucket and a training service, with the training image's program inside."""

import json
import os
import unittest.mock

import dagster_pipes
import pytest

from pcr_assets.cloud import clients
from pcr_assets.compute import container
from pcr_assets.compute.sagemaker import SageMakerCompute
from pcr_assets.compute.settings import SageMaker
from pcr_assets.resources.project import Project
from pcr_assets_tests.cloud.conftest import aws
from pcr_assets_tests.compute.sagemaker_double import TrainingService, client_of

__all__ = ["aws"]
SETTINGS = {
    "role": "arn:aws:iam::123456789012:role/training",
    "image": "123456789012.dkr.ecr.us-east-2.amazonaws.com/pcr-training@sha256:" + "0" * 64,
    "instance": "ml.g5.xlarge",
    "place": "s3://training/models/embedding",
    "tags": {"team": "cards"},
    "processes": 1,
}
MODULE = "pcr_assets_tests.compute.small_program"


class Image:
    """Runs the program of the image in a folder of its own: inputs and checkpoints from S3, checkpoints and results to S3."""

    def __init__(self, service, folder):
        self.service, self.folder = service, folder
        self.codes = []

    def __call__(self, job):
        root = self.folder / job["TrainingJobName"]
        for channel in job["InputDataConfig"]:
            for name, data in self.service.files_of(channel).items():
                self._write(root / "input/data" / channel["ChannelName"] / name, data)
        self._write(root / "input/config/hyperparameters.json", json.dumps(job["HyperParameters"]).encode())
        kept, key = job["CheckpointConfig"]["S3Uri"].removeprefix("s3://training/"), job["TrainingJobName"]
        for entry in self.service.s3.list_objects_v2(Bucket="training", Prefix=f"{kept}/").get("Contents", []):
            data = self.service.s3.get_object(Bucket="training", Key=entry["Key"])["Body"].read()
            self._write(root / "checkpoints" / entry["Key"].removeprefix(f"{kept}/"), data)
        with unittest.mock.patch.dict(os.environ, job["Environment"]):
            self.codes.append(container.main(["train"], root))
        dagster_pipes.PipesContext._instance = None
        output = f"{job['OutputDataConfig']['S3OutputPath'].removeprefix('s3://training/')}/{key}/output/model"
        self._upload(root / "checkpoints", kept)
        self._upload(root / "model", output)
        if (root / "output/failure").exists():
            self.service.reasons[key] = f"AlgorithmError: {(root / 'output/failure').read_text()}, exit code: 1"
            job["way"][:] = ["Failed"]

    def _write(self, path, data):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def _upload(self, folder, key):
        for path in folder.rglob("*"):
            if path.is_file():
                self.service.s3.upload_file(str(path), "training", f"{key}/{path.relative_to(folder)}")


class DrawnImage(Image):
    """Leaves results without running a program: for tests of all that is around it."""

    def __call__(self, job):
        output = f"{job['OutputDataConfig']['S3OutputPath'].removeprefix('s3://training/')}/{job['TrainingJobName']}/output/model"
        for name, data in {
            "metrics.json": b"{}",
            "hardware.json": b'{"threads": 4}',
            "weights.safetensors": b"w",
        }.items():
            self.service.s3.put_object(Bucket="training", Key=f"{output}/{name}", Body=data)


@pytest.fixture
def s3(aws):
    """A client, and the bucket ``training``."""
    client = client_of("s3")
    client.create_bucket(Bucket="training", CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
    return client


@pytest.fixture
def service(s3, tmp_path, monkeypatch):
    """The service, behind the clients that the program makes. Its jobs leave results at once."""
    double = TrainingService(s3)
    double.works = DrawnImage(double, tmp_path)
    monkeypatch.setattr(clients, "client", client_of)
    monkeypatch.setattr("pcr_assets.resources.downloads.CACHE", tmp_path / "cache")
    yield double
    double.close()


@pytest.fixture
def work(tmp_path):
    """A scratch folder with the input of a job."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "shard.txt").write_text("cards")
    return folder


@pytest.fixture
def compute_for(tmp_path):
    """Make the engine, with other settings than :data:`SETTINGS` where asked; it never waits."""

    def make(sleep=lambda seconds: None, **settings):
        project = Project(store=str(tmp_path / "store"), scratch=str(tmp_path / "scratch"))
        return SageMakerCompute(SageMaker(**{**SETTINGS, **settings}), project, sleep)

    return make


@pytest.fixture
def job(work):
    """A job as an asset writes it."""
    return {"stage": "teacher", "shards": [str(work / "shard.txt")], "spec": {"weights": "package:x"}, "out": str(work)}
