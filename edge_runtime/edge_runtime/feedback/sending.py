"""Sending the box's content to the publisher: a folder, or a bucket. What arrived is removed here."""

import hashlib
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge_runtime.disk import replace
from edge_runtime.extras import cure
from edge_runtime.feedback.box import RIGHTS, SENT, TALLY

PREFIX = "data/feedback"
PROJECT = "project/pokemon-card-recognition"
"""Where a publisher's store holds the project. Beside it nobody would look for what was sent."""


class CannotSend(RuntimeError):
    """The destination can't be written; what was not sent yet is still here."""


def send(folder: Path, destination: str, device: str) -> tuple[int, int]:
    """Send all cards and tallies to ``destination``, as ``data/feedback/<device>/<date>/…``. Returns how many of each.

    A card's picture goes before its JSON, so that what has a JSON is whole there too. Tallies stay here, for a day may go on,
    and are sent again when they have changed.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", device):
        raise CannotSend(f"'{device}' can't be the name of a device: use letters, digits, dots and dashes")
    put = _bucket(destination) if destination.startswith("s3://") else _folder(Path(destination))
    cards = tallies = 0
    for path in sorted(folder.glob("*/*.json")):
        place = f"{PREFIX}/{device}/{path.parent.name}"
        if path.name == TALLY:
            tallies += _sent_anew(path, destination, f"{place}/{TALLY}", put)
            continue
        picture = path.with_suffix(".jpg")
        try:
            shown, said = picture.read_bytes(), path.read_bytes()
        except FileNotFoundError:  # it made room meanwhile
            path.unlink(missing_ok=True)
            continue
        put(f"{place}/{picture.name}", shown)
        put(f"{place}/{path.name}", said)
        if _still_says(path, said):  # else it was corrected while it was sent: the next sending takes that
            path.unlink(missing_ok=True)
            picture.unlink(missing_ok=True)
        cards += 1
    return cards, tallies


def project_in(destination: str) -> str:
    """The project within what may be its store, or ``destination`` as it is: also where this device may write to a bucket alone."""
    if not destination.startswith("s3://"):
        return str(inside) if (inside := Path(destination, PROJECT)).is_dir() else destination
    client, bucket, prefix = _client(destination)
    from botocore.exceptions import BotoCoreError, ClientError

    with suppress(BotoCoreError, ClientError):
        if client.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/{PROJECT}/".lstrip("/"), MaxKeys=1)["KeyCount"]:
            return f"{destination.rstrip('/')}/{PROJECT}"
    return destination


def _still_says(path: Path, said: bytes) -> bool:
    try:
        return path.read_bytes() == said
    except FileNotFoundError:  # it made room meanwhile
        return True


def _sent_anew(tally: Path, destination: str, key: str, put: Callable[[str, bytes], None]) -> bool:
    """Send a tally unless it was sent there as it is."""
    data, mark = tally.read_bytes(), tally.with_name(SENT)
    digest = hashlib.sha256(f"{destination} {key} ".encode() + data).hexdigest().encode()
    if mark.exists() and mark.read_bytes() == digest:
        return False
    put(key, data)
    mark.write_bytes(digest)
    return True


def device_name() -> str:
    """This machine's name, as far as a key may hold it."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname()).strip("-.")[:63] or "device"


def _folder(root: Path) -> Callable[[str, bytes], None]:
    if not root.is_dir():
        raise CannotSend(
            f"{root} is not there: name the project's folder in the publisher's store, or s3://bucket/prefix"
        )

    def put(key: str, data: bytes) -> None:
        target = root / key
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            replace(target, data, mode=RIGHTS)
        except OSError as error:
            raise CannotSend(
                f"{error.filename} can't be written ({error.strerror}): mend that, then send again"
            ) from error

    return put


def _client(url: str) -> tuple[Any, str, str]:
    """S3, the bucket and the prefix of ``url``.

    Credentials, region and endpoint come from the usual chain (``AWS_PROFILE``, ``AWS_ENDPOINT_URL`` …).
    """
    try:
        import boto3
    except ModuleNotFoundError as error:
        raise CannotSend(f"sending to a bucket needs boto3: {cure('s3')}") from error
    from botocore.exceptions import BotoCoreError

    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    if not bucket:
        raise CannotSend(f"{url} names no bucket: write s3://bucket/prefix")
    try:
        return boto3.client("s3"), bucket, prefix.strip("/")
    except (BotoCoreError, ValueError) as error:
        raise CannotSend(
            f"{url} can't be reached ({error}): mend AWS_REGION, AWS_ENDPOINT_URL or the credentials"
        ) from error


def _bucket(url: str) -> Callable[[str, bytes], None]:
    client, bucket, prefix = _client(url)
    from botocore.exceptions import BotoCoreError, ClientError

    def put(key: str, data: bytes) -> None:
        try:
            client.put_object(Bucket=bucket, Key="/".join(part for part in (prefix, key) if part), Body=data)
        except (BotoCoreError, ClientError) as error:
            raise CannotSend(
                f"{url} refuses {key} ({error}): check the bucket and the rights, then send again"
            ) from error

    return put
