"""What a job prints, from CloudWatch as moto plays it."""

import time

import pytest
from botocore.stub import Stubber

from pcr_assets.cloud.log_streams import GROUP, LogStreams
from pcr_assets_tests.compute.sagemaker_double import client_of


@pytest.fixture
def logs(aws):
    return client_of("logs")


def put(logs, stream, *lines):
    events = [{"timestamp": int(time.time() * 1000), "message": line} for line in lines]
    logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def test_lines_are_read_once_and_those_of_other_hosts_are_marked(logs):
    read = LogStreams(logs, "pcr-teacher-1")
    assert list(read.new_lines()) == [], "the first job of an account has no group yet"
    logs.create_log_group(logGroupName=GROUP)
    for stream in ("pcr-teacher-1/algo-1-1780000000", "pcr-teacher-1/algo-2-1780000000", "pcr-teacher-10/algo-1-1"):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    put(logs, "pcr-teacher-1/algo-1-1780000000", "step 1", "step 2")
    put(logs, "pcr-teacher-1/algo-2-1780000000", "meeting algo-1")
    put(logs, "pcr-teacher-10/algo-1-1", "of another job")
    assert list(read.new_lines()) == ["step 1", "step 2", "algo-2: meeting algo-1"]
    assert list(read.new_lines()) == []
    logs.create_log_stream(logGroupName=GROUP, logStreamName="pcr-teacher-1/algo-1-1780000999")
    put(logs, "pcr-teacher-1/algo-1-1780000999", "going on from step 2")
    assert list(read.new_lines()) == ["going on from step 2"], "an interrupted job writes a new stream"


def test_logs_that_nobody_may_read_are_told_of_once(logs):
    read = LogStreams(logs, "pcr-teacher-1")
    with Stubber(logs) as stub:
        stub.add_client_error("describe_log_streams", "AccessDeniedException")
        (told,) = read.new_lines()
        assert "add logs:DescribeLogStreams and logs:GetLogEvents to the policy" in told
        assert list(read.new_lines()) == []
