"""Whether an S3 server keeps the conditions of writes (If-None-Match, If-Match), which keep two publishers apart."""

from typing import Any

from pcr_assets.resources.s3_errors import status

PROBE = ".conditional"
"""A hidden, empty object that is written to see it."""
OF_NOTHING = f'"{"0" * 32}"'
"""An etag that no object has."""
FAILED = (409, 412)
"""What a server answers where a condition does not hold."""


def kept(client: Any, at: dict[str, str]) -> bool:
    """Whether the server refuses to create what is there, and to replace what is not as it was read: some do one alone.

    ``at``: bucket and key of :data:`PROBE`. Raises what boto3 raises.
    """
    created = any(_refuses(client, at, IfNoneMatch="*") for _ in range(2))  # twice, for the first may be the first ever
    return created and _refuses(client, at, IfMatch=OF_NOTHING)


def bare(etag: str) -> str:
    """An etag without its quotes. Ceph's gateway (16.2) compares what a write must match as it stands, and keeps etags bare."""
    return etag.strip('"')


def bare_kept(client: Any, at: dict[str, str]) -> bool:
    """Whether the server refuses to replace what has another etag than a bare one. ``at`` and errors as of :func:`kept`."""
    return _refuses(client, at, IfMatch=bare(OF_NOTHING))


def _refuses(client: Any, at: dict[str, str], **condition: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        client.put_object(**at, **condition)
    except ClientError as error:
        if status(error) not in FAILED:
            raise
        return True
    return False
