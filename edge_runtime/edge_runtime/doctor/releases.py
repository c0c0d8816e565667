"""The release that is here: trusted, whole, how old, how long it may be served, and what to fall back on."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.doctor.finding import Finding, failed, fine, note, refused, warning
from edge_runtime.doctor.hardware import AS_THE_SERVICE
from edge_runtime.doctor.machine import Machine
from edge_runtime.publishers import is_url, open_publisher
from edge_runtime.publishers.base import METADATA
from edge_runtime.releases.home import Home, home_of
from edge_runtime.releases.proof import offered
from edge_runtime.releases.refusals import ReleaseError
from edge_runtime.releases.release import Release, open_release
from edge_runtime.releases.trust import NotARoot, root_folders, root_id, trusted_roots

DAY = 86400
OLD = 90 * DAY
"""Seconds since the last pull after which a device may have been forgotten: sets appear about every three months."""


@dataclass(frozen=True)
class Here:
    """What lies in a place. ``pulled``: when, in seconds since 1970; ``size``: bytes of the release."""

    place: Path
    release: Release | None
    pulled: float | None
    size: int | None
    findings: list[Finding]


def look(machine: Machine, place: str | Path | None) -> Here:
    """Open what a home, or a folder of releases, serves; every file of it is read. Of a publisher's, what was pulled from it."""
    root = _root()
    if place is None:
        nothing = note("release", "none was named", "name a home with --releases")
        return Here(Path.cwd(), None, None, None, [root, nothing])
    try:
        if is_url(place):
            return _pulled_from(machine, str(place), root)
        place = Path(place)
        if (place / METADATA).is_dir() and not (place / "releases").is_dir():
            return _pulled_from(machine, place, root)
        return _in_place(machine, place, root)
    except ReleaseError as error:  # no address of a publisher
        return Here(Path.cwd(), None, None, None, [root, refused("release", error)])
    except PermissionError as error:
        said = f"{machine.user} may not look into {error.filename}"
        return Here(Path(place), None, None, None, [root, failed("release", said, AS_THE_SERVICE)])


def _pulled_from(machine: Machine, publisher: str | Path, root: Finding) -> Here:
    """What this user pulled from a publisher."""
    place = home_of(open_publisher(publisher).name)
    if place.exists():
        return _in_place(machine, place, root)
    cure = f"run `edge-runtime pull {shlex.quote(str(publisher))}`; serve, watch and recognize do so by themselves"
    none = failed("release", f"nothing was pulled from {publisher} yet", cure)
    return Here(place, None, None, None, [root, none])


def _in_place(machine: Machine, place: Path, root: Finding) -> Here:
    folder = place / "releases" if (place / "releases").is_dir() else place
    try:
        release = open_release(folder)
    except (ReleaseError, NotARoot) as error:
        return Here(place, None, _pulled(folder), None, [root, refused("release", error)])
    size = sum(entry["size"] for entry in release.manifest["files"].values())
    models = ", ".join(release.variants)
    whole = fine("release", f"{release.release_id} is whole: {size / 1e6:.1f} MB, models {models}",
                 release_id=release.release_id, size=size)  # fmt: skip
    pulled = _pulled(folder)
    findings = [root, whole, *_age(machine, pulled), *_expiry(machine, release), *_spare(place)]
    return Here(place, release, pulled, size, findings)


def _root() -> Finding:
    try:
        roots = [root_id(root) for root in trusted_roots()]
    except NotARoot as error:
        return refused("root", error)
    if not roots:
        folders = ", ".join(map(str, root_folders()))
        return failed("root", f"none is pinned in {folders}", "run `edge-runtime trust root.json`")
    return fine("root", f"pinned: {', '.join(sorted(roots))}", roots=sorted(roots))


def _pulled(folder: Path) -> float | None:
    try:
        return (folder / "latest.json").stat().st_mtime
    except OSError:
        return None


def _age(machine: Machine, pulled: float | None) -> list[Finding]:
    if pulled is None:
        return []
    age = machine.now() - pulled
    said = f"taken {max(0.0, age) / DAY:.0f} days ago"
    if age > OLD:
        cure = "run `edge-runtime pull`; `systemctl list-timers edge-runtime-pull.timer` says whether it is asked for"
        return [warning("release age", said, cure, seconds=round(age))]
    return [fine("release age", said, seconds=round(age))]


def _expiry(machine: Machine, release: Release) -> list[Finding]:
    """Until when the publisher's signatures are meant to be believed."""
    if release.signed is None:
        return []
    ends = release.signed.expires
    left = (ends.timestamp() - machine.now()) / DAY
    if left < 0:
        cure = "the publisher must renew it; check the clock first. What is here goes on, nothing new is taken"
        return [warning("release expiry", f"expired {-left:.0f} days ago", cure, expires=ends.isoformat())]
    return [fine("release expiry", f"in {left:.0f} days", expires=ends.isoformat())]


def _spare(place: Path) -> list[Finding]:
    """The last good release, which is gone back to if the new one fails; and releases that failed here."""
    home = Home(place)
    found = [fine("fallback", f"{home.before.release_id} is kept to go back to")] if home.before else []
    refused_here = home.refused
    for reason in list(refused_here.values())[-1:]:
        said = f"{len(refused_here)} failed on this device, the last: {reason}"
        offer = offered(home.metadata, home.served.channel) if home.served else None
        if offer is None or offer in refused_here:
            cure = "tell the publisher; `edge-runtime pull --again` tries it once more"
            found.append(warning("refused release", said, cure))
        else:
            found.append(note("refused release", f"{said}; another one is offered by now"))
    return found
