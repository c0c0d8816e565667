"""A queue without a sensor: what its messages mean, and as whom it is read."""

import json
import os

import pytest

from pcr_assets.automation.inbox import Inbox, QueueError, Strange, keys_of
from pcr_assets_tests.automation.conftest import notification


def test_a_notification_that_went_through_sns_is_unwrapped():
    assert list(keys_of(json.dumps({"Type": "Notification", "Message": notification("a+b.png")}))) == [
        ("cards", "a b.png")
    ]


@pytest.mark.parametrize("body", ["{", "[" * 100_000, "3", "null", '{"Records": 3}', '{"Records": [{}]}'])
def test_what_is_no_notification_is_strange(body):
    with pytest.raises(Strange, match="no S3 event notification"):
        list(keys_of(body))


def test_the_queue_is_read_as_whom_the_bucket_is(monkeypatch, tmp_path):
    (tmp_path / "credentials").write_text("[cards]\naws_access_key_id=ours\naws_secret_access_key=secret\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another's")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PCR_S3_PROFILE", "cards")
    client = Inbox("https://sqs.eu-west-3.amazonaws.com/123456789012/cards").client
    assert (client._request_signer._credentials.access_key, client.meta.region_name) == ("ours", "eu-west-3")


@pytest.mark.parametrize("profile", ["nobody", ""], ids=["no such profile", "no region"])
def test_a_queue_that_nobody_can_ask_is_one_sentence(monkeypatch, profile):
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PCR_S3_PROFILE", profile)
    with pytest.raises(QueueError, match=r"can't be read \(.*: check PCR_SQS_QUEUE, the region, the credentials"):
        Inbox("http://127.0.0.1:1/cards").drain(print)
