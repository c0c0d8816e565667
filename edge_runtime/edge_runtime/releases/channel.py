"""What a publisher's channel offers, as far as its signatures are good: the client of The Update Framework.

python-tuf does the work of its specification's client workflow (https://theupdateframework.github.io/specification/latest/,
section 5): roots are followed, freshness, versions, digests and thresholds are checked in its order. Here it is given a
publisher to read from, and each of its refusals is told in a sentence of our own.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tuf.api import exceptions as tuf_says
from tuf.api.metadata import Metadata, TargetFile
from tuf.api.serialization import DeserializationError
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from edge_runtime.publishers.base import METADATA, Publisher
from edge_runtime.releases.proof import SIGNED_AT, make_proof, refusal_of, target_path
from edge_runtime.releases.refusals import (
    ClockIsWrong,
    Damaged,
    Downgrade,
    Endless,
    Expired,
    Mixed,
    NoRelease,
    NotPublished,
    ReleaseError,
    UnknownPublisher,
)

CLOCK_SLACK = timedelta(hours=1)
"""So far a publisher's clock may be ahead of this device's."""
LIMITS = UpdaterConfig(
    root_max_length=1 << 19, timestamp_max_length=1 << 14, snapshot_max_length=1 << 17, targets_max_length=1 << 20
)


@dataclass(frozen=True)
class Offer:
    """A channel's newest release, as it was signed: its id, its manifest's digest and size, and the proof to keep with it."""

    release_id: str
    target: TargetFile
    proof: bytes

    @property
    def sha256(self) -> str:
        """The manifest's SHA-256, hex."""
        return self.target.hashes["sha256"]


def newest(publisher: Publisher, metadata: Path, channel: str, roots: Sequence[bytes]) -> Offer:
    """What a channel offers. ``metadata``: a folder that keeps what was believed so far; ``roots``: the trusted ones.

    Raises a :class:`ReleaseError` of the kind that fits. What was believed before is believed then.
    """
    metadata.mkdir(parents=True, exist_ok=True)
    root = _root_of(publisher, roots)
    _require_clock(publisher.name, root, metadata)
    try:
        updater = Updater(str(metadata), METADATA, fetcher=_Fetcher(publisher), config=LIMITS, bootstrap=root)
        updater.refresh()
        _require_clock(publisher.name, root, metadata)
        target = updater.get_targetinfo(target_path(channel))
    except (tuf_says.RepositoryError, tuf_says.DownloadError) as error:
        raise _told(error, publisher, channel) from error
    if target is None:
        raise NoRelease(
            f"{publisher.name} has nothing in the channel {channel}: publish there first, or pull another channel"
        )
    release_id = target.unrecognized_fields.get("custom", {}).get("release_id")
    if "sha256" not in target.hashes or not isinstance(release_id, str):
        raise Damaged(f"the channel {channel} of {publisher.name} names no release: publish the release again")
    return Offer(release_id, target, make_proof(metadata, channel))


def _root_of(publisher: Publisher, roots: Sequence[bytes]) -> bytes:
    """Which of the trusted roots is this publisher's: the one that it has published too."""
    for root in roots:
        version = Metadata.from_bytes(root).signed.version
        try:
            if _read(publisher, f"{METADATA}/{version}.root.json", LIMITS.root_max_length) == root:
                return root
        except NotPublished:
            continue
    try:
        _read(publisher, f"{METADATA}/timestamp.json", LIMITS.timestamp_max_length)
    except NotPublished as error:
        raise NoRelease(
            f"{publisher.name} holds no release: build one with `make demo`, or name the folder `releases` of a store, which has "
            "metadata/timestamp.json"
        ) from error
    raise UnknownPublisher(
        f"{publisher.name} is signed by a publisher whom this device doesn't trust: if you know it to be yours, pin its root.json, "
        f"which lies there, with `edge-runtime trust {publisher.root_hint}`"
    )


def _read(publisher: Publisher, path: str, most: int) -> bytes:
    data = b""
    for piece in publisher.read(path):
        data += piece
        if len(data) > most:
            raise Endless(f"{publisher.name}/{path} is larger than any such file: it is not taken")
    return data


def _require_clock(name: str, root: bytes, metadata: Path) -> None:
    """Raise :class:`ClockIsWrong` where this device's clock is behind what a signature that it believes says of the time."""
    known = [root]
    if (metadata / "timestamp.json").exists():
        known.append((metadata / "timestamp.json").read_bytes())
    now = datetime.now(UTC)
    for data in known:
        signed_at = _signed_at(data)
        if signed_at is not None and now < signed_at - CLOCK_SLACK:
            raise ClockIsWrong(
                f"this device's clock says {now:%Y-%m-%d %H:%M} UTC, but what it trusts of {name} was signed on "
                f"{signed_at:%Y-%m-%d %H:%M}: set the clock (timedatectl set-ntp true), then pull again"
            )


def _signed_at(data: bytes) -> datetime | None:
    """When metadata say that they were signed; None where they don't say it, or are damaged."""
    try:
        return datetime.fromisoformat(json.loads(data)["signed"][SIGNED_AT]).replace(tzinfo=UTC)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


class _Fetcher(FetcherInterface):
    """Lets python-tuf read from a publisher."""

    def __init__(self, publisher: Publisher):
        self.publisher = publisher

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            return _started(self.publisher.read(url))
        except NotPublished as error:
            raise tuf_says.DownloadHTTPError(str(error), 404) from error


def _started(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, the first already fetched: python-tuf asks for a missing file's status before it reads."""
    first = next(pieces, b"")

    def rest() -> Iterator[bytes]:
        yield first
        yield from pieces

    return rest()


def _told(error: Exception, publisher: Publisher, channel: str) -> ReleaseError:  # noqa: PLR0911  (a return a reason)
    """The refusal that fits what python-tuf says."""
    name, said = publisher.name, str(error)
    never_together = (
        f"{name} mixes metadata that were never published together ({said}): copy or publish it again, as a whole"
    )
    match error:
        case Exception(__cause__=ReleaseError() as cause) if not isinstance(cause, NotPublished):
            return cause
        case tuf_says.ExpiredMetadataError():
            return Expired(
                f"what {name} says has expired ({said}): nothing new is taken from it, as somebody may hold back what is newer. "
                "Its publisher renews it with `python -m pcr_assets.trust renew`; or this device's clock is ahead, it says "
                f"{datetime.now(UTC):%Y-%m-%d}"
            )
        case tuf_says.UnsignedMetadataError():
            return refusal_of(error, name)
        case tuf_says.BadVersionNumberError() if "be >=" in said or ".json version" in said:
            return Downgrade(
                f"{name} offers what is older than what this device has seen ({said}): it is not taken. Is it an old copy?"
            )
        case tuf_says.BadVersionNumberError() | tuf_says.LengthOrHashMismatchError():
            return Mixed(never_together)
        case tuf_says.DownloadHTTPError():
            return Mixed(f"{said}, but other metadata of {name} name it: copy or publish it again, as a whole")
        case tuf_says.DownloadLengthMismatchError():
            return Endless(f"{name} sends more than any such file holds ({said}): it is not taken")
        case DeserializationError():
            return Damaged(
                f"{name} sends what is no metadata: is it the publisher's place, or the login page of a network?"
            )
    if channel in said and "delegated" in said:
        return NoRelease(f"{name} has nothing in the channel {channel}: publish there first, or pull another channel")
    return Damaged(f"{name} can't be believed ({said}): publish the release again")
