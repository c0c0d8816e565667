"""Whether an S3 server keeps the conditions of writes (If-None-Match, If-Match), which keep two publishers apart."""

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from pcr_assets.resources.objects import StoreError
from pcr_assets.resources.s3_errors import status

log = logging.getLogger(__name__)

Made = TypeVar("Made")
BOTH = ("IfNoneMatch", "IfMatch")
"""What the server is told on creating what must not be there, and on replacing what was read."""
PROBE = ".conditional"
"""A hidden, empty object that is written to see it."""
OF_NOTHING = f'"{"0" * 32}"'
"""An etag that no object has."""
BROKEN, CONFLICT = 412, 409
"""What a server answers where a condition does not hold; and AWS while another write of the key is under way, which says nothing
of what lies there."""
FAILED = (CONFLICT, BROKEN)
"""Both: some servers answer the second for the first."""
UNKNOWN = 501
"""What a server answers that can't be asked for a condition: Swift, of If-Match."""
PAUSES = (0.1, 0.2, 0.4, 0.8)
"""Seconds before a write that met another one is tried again."""


def kept(client: Any, at: dict[str, str]) -> frozenset[str]:
    """Which conditions of :data:`BOTH` the server keeps: some do one alone, and some take no write with the other at all.

    ``at``: bucket and key of :data:`PROBE`. Raises what boto3 raises.
    """
    created = any(_refuses(client, at, IfNoneMatch="*") for _ in range(2))  # twice, for the first may be the first ever
    replaced = _refuses(client, at, IfMatch=OF_NOTHING)
    return frozenset(name for name, keeps in zip(BOTH, (created, replaced), strict=True) if keeps)


def not_kept(root: str) -> StoreError:
    """What is told of a store whose server does not keep both, where nobody promised anything."""
    return StoreError(
        f"the server of {root} does not keep conditional writes (If-None-Match, If-Match), so two publishers could mix their "
        "files: publish to one that keeps them, such as AWS S3, MinIO or SeaweedFS, or promise by PCR_S3_ONE_PUBLISHER=1 "
        "that never two publish there at once"
    )


@cache
def warn_once(root: str) -> None:
    """Remind of the promise, once in a process: each step of a refresh opens its stores anew."""
    log.warning("%s does not keep conditional writes: let no other publisher write while this one does", root)


def bare(etag: str) -> str:
    """An etag without its quotes. Ceph's gateway (16.2) compares what a write must match as it stands, and keeps etags bare."""
    return etag.strip('"')


def bare_kept(client: Any, at: dict[str, str]) -> bool:
    """Whether the server refuses to replace what has another etag than a bare one. ``at`` and errors as of :func:`kept`."""
    return _refuses(client, at, IfMatch=bare(OF_NOTHING))


def insisted(write: Callable[[], Made]) -> Made:
    """What a conditional write gives, tried anew while it meets another one, as AWS asks. Raises what boto3 raises."""
    from botocore.exceptions import ClientError

    for pause in PAUSES:
        try:
            return write()
        except ClientError as error:
            if status(error) != CONFLICT:
                raise
            time.sleep(pause)
    return write()


def _refuses(client: Any, at: dict[str, str], **condition: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        client.put_object(**at, **condition)
    except ClientError as error:
        if status(error) not in (*FAILED, UNKNOWN):
            raise
        return status(error) != UNKNOWN
    return False
