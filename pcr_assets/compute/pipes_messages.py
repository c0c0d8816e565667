"""Dagster's Pipes inside a training job: messages through S3, and further ones after the job was interrupted."""

import os
from typing import Any

from dagster_pipes import (
    DAGSTER_PIPES_CONTEXT_ENV_VAR,
    PipesContext,
    PipesS3ContextLoader,
    PipesS3MessageWriter,
    open_dagster_pipes,
)


class GoingOn(PipesS3MessageWriter):
    """Numbers messages after those of an earlier start of the same job: Dagster reads on from the last it saw."""

    def make_channel(self, params: Any) -> Any:
        """The channel that messages are put into."""
        channel = super().make_channel(params)
        listed = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=params["bucket"], Prefix=f"{params['key_prefix']}/"
        )
        numbers = [
            entry["Key"].rpartition("/")[2].removesuffix(".json")
            for page in listed
            for entry in page.get("Contents", [])
        ]
        channel._counter = 1 + max((int(number) for number in numbers if number.isdigit()), default=0)
        return channel


def opened() -> PipesContext | None:
    """The way to the run that started this job; None where none did, or where S3 refuses, which is printed."""
    if DAGSTER_PIPES_CONTEXT_ENV_VAR not in os.environ:
        return None
    import boto3

    client = boto3.client("s3")
    try:
        return open_dagster_pipes(context_loader=PipesS3ContextLoader(client), message_writer=GoingOn(client))
    except Exception as error:  # whatever boto3 raises: nobody trains worse for not being listened to
        print(f"Dagster can't be told how the job goes on ({error}): see the log in CloudWatch", flush=True)
        return None
