"""The SQS queue that a bucket tells of its objects. A message says that something happened to a key: where to look, not what
is there. So it may come twice, late or out of order; the listing has the last word.

A message is deleted in the tick after the one that received it, when the cursor that holds it came back from Dagster. One
that nobody deletes comes again. One that can't be read is left to the queue's redrive policy.
"""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from pcr_assets.resources.s3_client import S3Settings, said_to_aws, session_of

BATCH = 10
"""As many messages as SQS gives or takes at once."""
HIDDEN_SECONDS = 300
"""How long a received message stays invisible: it must be longer than from one tick to the next."""
POLL_SECONDS = 5
DRAIN_SECONDS = 20.0
"""A tick reads no longer than this; the next goes on."""
_REGION = re.compile(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.com")
_HAPPENED = ("ObjectCreated:", "ObjectRemoved:", "ObjectRestore:", "LifecycleExpiration:")


class QueueError(Exception):
    """The queue can't be used; the message names it and the cure."""


class Strange(ValueError):
    """A message is no S3 event notification."""


class Inbox:
    """What one process received from the queue and may not delete yet."""

    def __init__(self, url: str):
        self.url = url
        self._batch = ""
        self._receipts: list[str] = []

    @property
    def client(self) -> Any:
        """The boto3 client: as whom the bucket is spoken to, in the queue's own region; another once credentials are renewed."""
        return _client(self.url, S3Settings.of_environment(), said_to_aws())

    def confirm(self, batch: str) -> int:
        """Delete the batch of the last tick if ``batch`` names it: then the cursor holds it. Gives how many were deleted."""
        receipts = self._receipts if batch == self._batch else []
        for start in range(0, len(receipts), BATCH):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt}
                for number, receipt in enumerate(receipts[start : start + BATCH])
            ]
            self._ask("delete_message_batch", Entries=entries)
        self._batch, self._receipts = "", []
        return len(receipts)

    def drain(self, on_strange: Callable[[str], None]) -> tuple[str, list[tuple[str, str]]]:
        """Receive what is there; gives a name for the batch ("" when nothing came) and the (bucket, key) pairs that it tells of.

        ``on_strange`` is told of messages that can't be read.
        """
        self._batch, self._receipts = uuid.uuid4().hex[:12], []
        told, wait, ends = [], POLL_SECONDS, time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < ends:
            answer = self._ask(
                "receive_message",
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=wait,
                VisibilityTimeout=HIDDEN_SECONDS,
            )
            messages, wait = answer.get("Messages", ()), 0
            if not messages:
                break
            for message in messages:
                try:
                    told += list(keys_of(message["Body"]))
                except Strange as error:
                    on_strange(f"message {message['MessageId']} is left in the queue: {error}")
                else:
                    self._receipts.append(message["ReceiptHandle"])
        return (self._batch if self._receipts else ""), told

    def _ask(self, what: str, **given: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self.client, what)(QueueUrl=self.url, **given)
        except ClientError as error:
            why = error.response.get("Error", {}).get("Code", "unknown")
        except BotoCoreError as error:
            why = str(error)
        raise QueueError(
            f"the queue {self.url} can't be read ({why}): check PCR_SQS_QUEUE, the region, the credentials, and their "
            "rights sqs:ReceiveMessage and sqs:DeleteMessage"
        )


@lru_cache(maxsize=4)
def _client(url: str, settings: S3Settings, said: tuple[Any, ...]) -> Any:
    """A client as long as the settings, and what AWS's chain is told, are the same."""
    del said
    found = _REGION.match(url)
    return session_of(settings).client("sqs", region_name=found[1] if found else settings.region)


def keys_of(body: str) -> Iterator[tuple[str, str]]:
    """The (bucket, key) pairs of an S3 event notification, as it is or wrapped by SNS; none for S3's test event.

    Raises :class:`Strange`. The shape: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    try:
        content = json.loads(body)
        if isinstance(content, dict) and content.get("Type") == "Notification":
            content = json.loads(content["Message"])
        if content.get("Event") == "s3:TestEvent":
            return
        for record in content["Records"]:
            if record["eventName"].startswith(_HAPPENED):
                yield record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Strange(f"it is no S3 event notification ({type(error).__name__}: {error})") from error
