"""Pull the newest release of a channel: only the parts that are not here yet, and served only when it is whole and works.

The order is fixed: what the publisher signed, from a pinned root on; the parts that lack, each checked while it is written
aside; the files, each put together and checked in a folder aside; known queries, answered by that release in a process of its
own; that folder renamed into place; the pointer moved. Killed at any moment, the last good release is served, and the next
pull goes on with the parts that were fetched.
"""

import logging
import os
import pwd
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.disk import ASIDE, replace, write
from edge_runtime.publishers import FolderPublisher, Publisher, open_publisher
from edge_runtime.releases import in_use
from edge_runtime.releases.assembly import Progress, assemble, lists_of
from edge_runtime.releases.home import Home, Kept, home_of
from edge_runtime.releases.lost_pointer import point_anew
from edge_runtime.releases.parts import Range, files_of
from edge_runtime.releases.proof import FILE as PROOF
from edge_runtime.releases.proof import STABLE
from edge_runtime.releases.refusals import (
    CannotPull,
    Damaged,
    Mixed,
    NotPublished,
    RefusedBefore,
    ReleaseError,
    SelfTestFailed,
)
from edge_runtime.releases.release import (
    described,
    is_plain_name,
    manifest_of,
    open_release,
    signed_release,
)
from edge_runtime.releases.selftest import tried_apart
from edge_runtime.releases.trust import trusted_roots

if TYPE_CHECKING:
    from edge_runtime.releases.channel import Offer

Check = Callable[[Path], object]
"""Tries a whole release folder before it is served; raises :class:`SelfTestFailed` to have it refused from now on."""


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pulled:
    """A release that lies in a home now: its id, its folder, its size, and the bytes and parts that had to be fetched."""

    release_id: str
    folder: Path
    size: int
    fetched: int
    parts: int
    channel: str = STABLE


def pull(
    source: Publisher | str | Path,
    home: Path | None = None,
    roots: Sequence[bytes] | None = None,
    *,
    channel: str | None = None,
    mend: bool = False,
    again: bool = False,
    check: Check | None = None,
    progress: Progress = lambda done, total: None,
) -> Pulled:
    """Bring the newest release of a publisher's channel into a home, and serve it.

    ``source``: a publisher, or where one is; ``home``: by default this user's for that publisher; ``roots``: trusted ones, by
    default the pinned; ``channel``: by default the one that the home follows, else ``stable``; ``mend``: read every file that
    is here already, and fetch damaged ones again; ``again``: try a release that failed here before once more. ``progress`` is
    told of bytes fetched and to fetch. Raises a :class:`ReleaseError` of the kind that fits; the release that was served
    before is served then.
    """
    publisher = open_publisher(source) if isinstance(source, str | Path) else source
    at = Home(home or home_of(publisher.name))
    trusted = trusted_roots() if roots is None else roots
    try:
        _require_own(at)
        with at.alone():
            point_anew(at, trusted, log.warning)
            return _Pull(publisher, at, channel or _followed(at), check or tried_apart, progress).run(
                trusted, mend, again
            )
    except OSError as error:
        raise CannotPull(
            f"{error.filename or at.folder} can't be used ({error.strerror}): free space or mend the rights, then pull again"
        ) from error


def _require_own(home: Home) -> None:
    """Raises :class:`CannotPull` for a publisher's folder: with a home in it, it would be opened as it lies, and nothing be pulled
    from it any more. And for root in the home of a service: what was pulled would be root's, and the service could neither open a
    release from then on nor pull another."""
    if any(home.metadata.glob("*.root.json")):
        raise CannotPull(
            f"{home.folder} is where a publisher keeps releases: name a folder of this device's own with --home"
        )
    if os.geteuid() != 0 or not home.folder.is_dir() or not (owner := home.folder.stat().st_uid):
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:  # of a container, say
        name = f"'#{owner}'"
    raise CannotPull(
        f"{home.folder} belongs to {name}, who could not read what root writes there: pull as that user, "
        f"`sudo -u {name} edge-runtime pull …`, or for the service `sudo systemctl start edge-runtime-pull`"
    )


def _followed(home: Home) -> str:
    served = home.served
    return served.channel if served else STABLE


@dataclass(frozen=True)
class _Pull:
    publisher: Publisher
    home: Home
    channel: str
    check: Check
    progress: Progress

    def run(self, roots: Sequence[bytes], mend: bool, again: bool) -> Pulled:
        from edge_runtime.releases import channel

        offer = channel.newest(self.publisher, self.home.metadata, self.channel, roots)
        try:
            return self._take(offer, roots, mend, again)
        finally:  # whatever becomes of the offer: its publisher keeps what this device runs then
            served = self.home.served
            if served is not None and isinstance(self.publisher, FolderPublisher):
                in_use.leave(self.publisher.folder, served.release_id, self.home.folder)

    def _take(self, offer: "Offer", roots: Sequence[bytes], mend: bool, again: bool) -> Pulled:
        home = self.home
        if not is_plain_name(offer.release_id) or offer.release_id.startswith(".") or offer.release_id.endswith(ASIDE):
            raise Damaged(f"the channel {self.channel} of {self.publisher.name} names no release: publish it again")
        if again:
            home.forgive(offer.sha256)
        if reason := home.refused.get(offer.sha256):
            raise RefusedBefore(
                f"release {offer.release_id} was refused on this device ({reason}): another one is waited for; "
                "`edge-runtime pull --again` tries it once more"
            )
        place, folder = f"{self.publisher.name}/{offer.release_id}", home.releases / offer.release_id
        data = self._manifest(offer.release_id, offer.target.length)
        try:
            offer.target.verify_length_and_hashes(data)
        except Exception as error:
            raise Mixed(f"{place}/manifest.json is not the one that was signed: publish the release again") from error
        manifest = manifest_of(data, place)
        release = described(folder, manifest)  # what could not be opened must not take the place of what can
        if release.release_id != offer.release_id:
            raise Damaged(f"{place}/manifest.json calls itself {release.release_id}: publish the release again")
        files = files_of(manifest, place)
        size = sum(file.whole.size for file in files)
        new = Kept(offer.release_id, offer.sha256, self.channel)
        if self._is_served(new, folder, offer.proof) and not (mend and _is_damaged(folder, roots)):
            self._tidy()  # the pull that brought it may have been killed before it did
            return Pulled(offer.release_id, folder, size, len(data), 0, self.channel)

        aside = home.releases / f"{offer.release_id}{ASIDE}"
        try:
            fetched = assemble(self.publisher, home, files, aside, mend, self.progress)
            write(aside / "manifest.json", [data])
            write(aside / PROOF, [offer.proof])
            signed_release(aside, roots)  # what would not be opened takes the place of nothing
            self._try(aside, new)
            home.publish(aside, new)
        except OSError:
            home.drop_unfinished()  # it may be what fills the disk
            raise
        self._tidy()
        return Pulled(offer.release_id, folder, size, fetched.size + len(data), fetched.parts, self.channel)

    def _tidy(self) -> None:
        kept = [self.home.releases / each.release_id for each in (self.home.served, self.home.before) if each]
        self.home.tidy({sha256 for folder in kept for sha256 in lists_of(folder)})

    def _manifest(self, release_id: str, length: int) -> bytes:
        data = b""
        try:
            for piece in self.publisher.read(f"{release_id}/manifest.json"):
                data += piece
                if len(data) > length:
                    break
        except NotPublished as error:
            raise Damaged(f"{error}, but what is signed names it: publish the release again") from error
        return data

    def _is_served(self, new: Kept, folder: Path, proof: bytes) -> bool:
        """Whether the offer is what is served already; newer signatures of it are taken, and the pointer says when."""
        served = self.home.served
        if served is None or served.manifest_sha256 != new.manifest_sha256 or not folder.is_dir():
            return False
        if not (folder / PROOF).is_file() or Range(folder / PROOF, 0, len(proof) + 1).read() != proof:
            replace(folder / PROOF, proof)
        if served.channel != new.channel:
            self.home.serve(new)
        self.home.still_newest()
        return True

    def _try(self, aside: Path, new: Kept) -> None:
        try:
            self.check(aside)
        except SelfTestFailed as error:
            self.home.refuse(new.manifest_sha256, new.release_id, str(error))
            self.home.drop_unfinished()
            raise


def _is_damaged(folder: Path, roots: Sequence[bytes]) -> bool:
    """Whether a release that is here would not be opened: its signatures are verified, and every file is read."""
    try:
        open_release(folder, roots)
    except ReleaseError:
        return True
    return False
