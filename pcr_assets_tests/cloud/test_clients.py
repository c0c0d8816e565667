"""Clients of services beside S3."""

import pytest

from pcr_assets.cloud import clients
from pcr_assets.cloud.clients import CloudError
from pcr_assets.resources.s3_client import S3Settings


@pytest.mark.parametrize("address", ["sagemaker:8080", "http://[::1"])
def test_an_address_that_is_none_is_one_sentence(monkeypatch, address):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", address)
    with pytest.raises(CloudError, match=r"could not open a client for sagemaker \(.*must say a URL"):
        clients.client("sagemaker", S3Settings(region="us-east-1"))
