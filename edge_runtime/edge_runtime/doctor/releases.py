"""The release that is here: trusted, whole, how old, how long it may be served, and what to fall back on."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edge_runtime.doctor.finding import Finding, failed, fine, note, refused, warning
from edge_runtime.doctor.machine import Machine
from edge_runtime.home import Home
from edge_runtime.keys import NotAKey, key_folders, trusted_keys
from edge_runtime.release import Release, ReleaseError, open_release

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


def look(machine: Machine, place: Path | None) -> Here:
    """Open what a home, or a folder of releases, serves; every file of it is read."""
    key = _key()
    if place is None:
        nothing = note("release", "none was named", "name a home with --releases")
        return Here(Path.cwd(), None, None, None, [key, nothing])
    folder = place / "releases" if (place / "releases").is_dir() else place
    try:
        release = open_release(folder)
    except (ReleaseError, NotAKey) as error:
        return Here(place, None, _pulled(folder), None, [key, refused("release", error)])
    size = sum(entry["size"] for entry in release.manifest["files"].values())
    models = ", ".join(release.variants)
    whole = fine("release", f"{release.release_id} is whole: {size / 1e6:.1f} MB, models {models}",
                 release_id=release.release_id, size=size)  # fmt: skip
    pulled = _pulled(folder)
    findings = [key, whole, *_age(machine, pulled), *_expiry(machine, place), *_spare(place)]
    return Here(place, release, pulled, size, findings)


def _key() -> Finding:
    try:
        keys = trusted_keys()
    except NotAKey as error:
        return refused("key", error)
    if not keys:
        folders = ", ".join(map(str, key_folders()))
        return failed("key", f"none is pinned in {folders}", "run `edge-runtime trust release_key.pub`")
    return fine("key", f"pinned: {', '.join(sorted(keys))}", keys=sorted(keys))


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


def _expiry(machine: Machine, place: Path) -> list[Finding]:
    """When the publisher's word ends, where it gave one (TUF's ``timestamp.json``)."""
    try:
        signed = json.loads((place / "metadata" / "timestamp.json").read_bytes())["signed"]
        ends = datetime.fromisoformat(signed["expires"]).timestamp()
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError):
        return [failed("release expiry", f"{place}/metadata/timestamp.json can't be read", "pull the release again")]
    left = (ends - machine.now()) / DAY
    if left < 0:
        cure = "the publisher must renew it; check the clock first. What is here goes on, nothing new is taken"
        return [warning("release expiry", f"expired {-left:.0f} days ago", cure, expires=signed["expires"])]
    return [fine("release expiry", f"in {left:.0f} days", expires=signed["expires"])]


def _spare(place: Path) -> list[Finding]:
    """The release before, which is gone back to if the new one fails."""
    home = Home(place)
    others = [path.name for path in home.kept() if path.name != home.served]
    return [fine("fallback", f"{others[0]} is kept to go back to")] if others else []
