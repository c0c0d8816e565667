"""AWS as moto plays it, with credentials that are worth nothing anywhere."""

import functools
import os
import unittest.mock

import boto3
import botocore.loaders
import botocore.session
import pytest
from moto import mock_aws


@pytest.fixture(scope="session", autouse=True)
def _descriptions_read_once():
    """botocore reads megabytes of JSON for each session's first client of a service: all sessions here share what was read."""
    with unittest.mock.patch.object(botocore.session, "create_loader", functools.cache(botocore.loaders.create_loader)):
        yield


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
