"""The bucket that docker/prepare.py makes."""

import runpy

import boto3
import pytest
from moto import mock_aws

from pcr_assets_tests.team.compose import DOCKER


@pytest.fixture
def s3(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("PCR_STORE", "s3://pcr/team")
    with mock_aws():
        yield boto3.client("s3", region_name="us-east-1")


@pytest.fixture
def prepare_bucket():
    return runpy.run_path(str(DOCKER / "prepare.py"))["prepare_bucket"]


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_it_keeps_the_versions_of_what_is_overwritten(s3, prepare_bucket, monkeypatch, region):
    monkeypatch.setenv("PCR_S3_REGION", region)
    prepare_bucket()
    assert s3.get_bucket_versioning(Bucket="pcr")["Status"] == "Enabled"
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket="pcr")["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}, "and not for ever"
    assert (s3.get_bucket_location(Bucket="pcr")["LocationConstraint"] or "us-east-1") == region


def test_one_that_is_there_is_left_as_it_is(s3, prepare_bucket, monkeypatch):
    monkeypatch.setenv("PCR_S3_REGION", "us-east-1")
    s3.create_bucket(Bucket="pcr")
    prepare_bucket()
    assert "Status" not in s3.get_bucket_versioning(Bucket="pcr")
