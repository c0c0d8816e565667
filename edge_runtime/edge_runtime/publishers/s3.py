"""A publisher's bucket, ``s3://bucket/prefix``, read with boto3: credentials from AWS's usual chain, ``AWS_ENDPOINT_URL``
for servers other than AWS's. Needs the extra ``s3`` of this package.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from edge_runtime.extras import cure
from edge_runtime.publishers import resumed as tries
from edge_runtime.publishers.base import PIECE
from edge_runtime.publishers.deadline import Deadline, in_time
from edge_runtime.publishers.resumed import CONNECT_SECONDS, SILENCE_SECONDS, resumed
from edge_runtime.releases.refusals import NotPublished, Unreachable

GONE = ("NoSuchKey", "404", "403", "AccessDenied")
"""S3 answers AccessDenied for what isn't there, to those who may not list the bucket."""


class S3Publisher:
    """See :class:`~edge_runtime.publishers.base.Publisher`."""

    def __init__(self, url: str):
        self.bucket, _, self.prefix = url.removeprefix("s3://").rstrip("/").partition("/")
        self.name = f"s3://{self.bucket}/{self.prefix}".rstrip("/")
        if not self.bucket:
            raise Unreachable(f"{url} names no bucket: write s3://BUCKET/PREFIX")

    @property
    def root_hint(self) -> str:
        """See :attr:`Publisher.root_hint`."""
        return "root.json"

    @cached_property
    def _client(self) -> Any:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise Unreachable(f"{self.name} needs boto3: {cure('s3')}") from error
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=SILENCE_SECONDS,
            retries={"mode": "standard", "total_max_attempts": tries.TRIES},
        )
        try:
            return boto3.client("s3", config=config)
        except (BotoCoreError, ValueError) as error:
            raise Unreachable(
                f"{self.name} can't be asked ({error}): mend AWS_REGION, AWS_ENDPOINT_URL or the credentials"
            ) from error

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """See :meth:`Publisher.read`."""
        client = self._client  # says what to install where boto3 lacks
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        place, deadline = f"{self.name}/{path}", Deadline()

        def pieces(at: int) -> Iterator[bytes]:
            found = self._body(client, path, at)
            if found is not None:
                with closing(found):
                    yield from found.iter_chunks(PIECE)

        def body(at: int) -> Iterator[bytes]:
            try:
                yield from in_time(pieces(at), deadline)
            except TimeoutError as error:
                raise Unreachable(deadline.said(place)) from error

        yield from resumed(place, start, body, (BotoCoreError, HTTPError))

    def _body(self, client: Any, path: str, start: int) -> Any:
        """The body from a byte on, which botocore asks for again and again; None where the file ends there."""
        from botocore.exceptions import BotoCoreError, ClientError

        place = f"{self.name}/{path}"
        at = {"Bucket": self.bucket, "Key": f"{self.prefix}/{path}" if self.prefix else path}
        try:
            return client.get_object(**at, **({"Range": f"bytes={start}-"} if start else {}))["Body"]
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in ("InvalidRange", "416") and start:
                return None
            if code in GONE:
                raise NotPublished(f"{place} is missing, or may not be read ({code})") from error
            if code == "RequestTimeTooSkewed":
                raise Unreachable(
                    f"{place} can't be read, for this device's clock says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, and S3 takes no "
                    "request of a wrong time: set the clock (timedatectl set-ntp true), then pull again"
                ) from error
            raise Unreachable(f"{place} can't be read ({code}): see to the bucket and the credentials") from error
        except BotoCoreError as error:
            raise Unreachable(
                f"{place} can't be reached ({error}): look after the network and the credentials, then pull again"
            ) from error
