"""What a training job prints, from CloudWatch Logs: a stream for each instance and each start, read on from where it was left."""

from collections.abc import Iterator
from typing import Any

GROUP = "/aws/sagemaker/TrainingJobs"
"""Where SageMaker puts the logs of all training jobs."""
PAGES = 20
"""Of one stream, read at one look at most: the next look goes on from there."""


class LogStreams:
    """The lines of one job that were not read yet. Logs that can't be read are told once, and keep nobody from training."""

    def __init__(self, logs: Any, job: str):
        self._logs, self._job = logs, job
        self._tokens: dict[str, str] = {}
        self._given_up = False

    def new_lines(self) -> Iterator[str]:
        """Lines in the order of their streams; those of instances beside the first say which one they are of."""
        from botocore.exceptions import BotoCoreError, ClientError

        if self._given_up:
            return
        try:
            for stream in self._streams():
                yield from self._of(stream)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("AccessDeniedException", "AccessDenied"):
                self._given_up = True
                yield f"the job's log can't be shown ({code}): add logs:DescribeLogStreams and logs:GetLogEvents to the policy"
        except BotoCoreError:
            pass  # the next look tries again

    def _streams(self) -> list[str]:
        try:
            pages = self._logs.get_paginator("describe_log_streams").paginate(
                logGroupName=GROUP, logStreamNamePrefix=f"{self._job}/"
            )
            return sorted(stream["logStreamName"] for page in pages for stream in page["logStreams"])
        except self._logs.exceptions.ResourceNotFoundException:
            return []  # the group is made with the first job of an account

    def _of(self, stream: str) -> Iterator[str]:
        host = stream.removeprefix(f"{self._job}/").rpartition("-")[0]
        mark = "" if host == "algo-1" else f"{host}: "
        for _ in range(PAGES):
            token = self._tokens.get(stream)
            page = self._logs.get_log_events(
                logGroupName=GROUP, logStreamName=stream, startFromHead=True, **({"nextToken": token} if token else {})
            )
            for event in page["events"]:
                yield from (f"{mark}{line}" for line in event["message"].splitlines())
            self._tokens[stream] = page["nextForwardToken"]
            if page["nextForwardToken"] == token:
                return
