"""AWS as moto plays it, with credentials that are worth nothing anywhere."""

import os
import shutil

import boto3
import pytest
import yaml
from moto import mock_aws
from moto.server import ThreadedMotoServer

from pcr_assets import layout
from pcr_assets.project_records import dashboard, experiments, manifest
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store
from pcr_assets_tests.cloud.endpoint_double import Cloud
from pcr_assets_tests.cloud.packed import IMAGE, MODELS, ROLE, SaidToBeInABucket, repack
from pcr_assets_tests.project_records.synthetic import built, index_of, store_with_models


@pytest.fixture
def aws(monkeypatch):
    """The environment of a person who is logged in; no request leaves this process."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_DEFAULT_REGION": "us-east-2",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield


@pytest.fixture
def s3(aws):
    """A client, and the bucket ``training``."""
    client = boto3.client("s3")
    client.create_bucket(Bucket="training", CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
    return client


@pytest.fixture
def profile(tmp_path):
    """A profile of one's own that registers models."""
    file = tmp_path / "mine.yaml"
    chosen = {"pack": MODELS, "registered": True, "image": IMAGE, "role": ROLE}
    file.write_text(yaml.safe_dump({"extends": "embedded", "serving": chosen}))
    return file


@pytest.fixture(scope="session")
def packed_store(tmp_path_factory):
    """Models and their archives, as ``model_packages`` makes them."""
    folder = tmp_path_factory.mktemp("packed")
    repack(store_with_models(folder / "store" / layout.PROJECT), folder)
    return folder / "store"


@pytest.fixture
def artifacts(packed_store, tmp_path):
    """A copy of that store, to be changed."""
    shutil.copytree(packed_store, tmp_path / "store")
    return Artifacts(SaidToBeInABucket(open_store(str(tmp_path / "store" / layout.PROJECT))))


@pytest.fixture
def command(tmp_path, profile):
    """The arguments of every command over that store."""
    return ["--store", str(tmp_path / "store"), "--profile", str(profile)]


@pytest.fixture
def sagemaker(aws):
    return boto3.client("sagemaker")


@pytest.fixture
def cloud(aws, monkeypatch):
    """Endpoints on moto, for which nobody waits."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Cloud()


@pytest.fixture
def config(tmp_path):
    """The store ``tmp_path/store`` with the records that are watched."""
    artifacts = store_with_models(tmp_path / "store" / layout.PROJECT)
    written, index = built(artifacts), {experiments.FILE: manifest.as_json(index_of(artifacts))}
    for files in (dashboard.files(written), manifest.files(written), index):
        for key, data in files.items():
            artifacts.store.write(key, data)
    return dashboard.config(written)


@pytest.fixture
def over_http(aws, monkeypatch):
    """The AWS that these tests play, on a server of this process: for programs that are not ours."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    yield
    server.stop()
