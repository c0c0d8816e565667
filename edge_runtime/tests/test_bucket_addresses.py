"""An S3 server that is named wrongly is one sentence, whatever is asked of it."""

import pytest

from edge_runtime.feedback.sending import CannotSend, send
from edge_runtime.publishers.s3 import S3Publisher
from edge_runtime.releases.refusals import Unreachable

pytest.importorskip("boto3")


@pytest.fixture(autouse=True, params=["127.0.0.1:8333", "http://s3:8333\r", "http://[::1"])
def _wrong_address(request, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.param)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_of_a_release():
    with pytest.raises(Unreachable, match=r"s3://cards can't be asked \(.*\): mend .*AWS_ENDPOINT_URL"):
        list(S3Publisher("s3://cards").read("root.json"))


def test_of_feedback_that_is_sent(tmp_path):
    with pytest.raises(CannotSend, match=r"s3://cards can't be reached \(.*\): mend .*AWS_ENDPOINT_URL"):
        send(tmp_path, "s3://cards", "pi5-01")
