"""Open what is newest at a place: a publisher's folder or URL, which is pulled first, a device's home, or releases that lie whole.

Whatever ails the newest one, a device goes on with the last good release that it has, and says why.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from edge_runtime.publishers import is_url, open_publisher
from edge_runtime.publishers.base import METADATA
from edge_runtime.releases.assembly import Progress
from edge_runtime.releases.home import Home, home_of
from edge_runtime.releases.lost_pointer import here, point_anew
from edge_runtime.releases.proof import FILE as PROOF
from edge_runtime.releases.pull import pull
from edge_runtime.releases.refusals import BadSignature, Damaged, NoRelease, ReleaseError, Unsigned
from edge_runtime.releases.release import Release, as_who_may, newest, open_release, signed_release
from edge_runtime.releases.trial import roll_back_if_due

ROTTEN = (Damaged, NoRelease, Unsigned, BadSignature)
"""How a release is refused whose files are not what they were when it was pulled."""


@as_who_may()
def open_newest(
    place: str | Path,
    roots: Sequence[bytes] | None = None,
    *,
    channel: str | None = None,
    say: Callable[[str], None] = lambda line: None,
    progress: Progress = lambda done, total: None,
) -> Release:
    """Open the newest release of a place: a publisher's folder or URL, a home, a folder of whole releases, or one of these.

    From a publisher it is pulled first, into this user's home for that place. Where that fails, the last good release is
    opened, and ``say`` is told why. A release that ended its service again and again, or that is damaged and can't be pulled
    again now, is rolled back; one whose signatures have expired is opened: ``say`` is told of each. Raises a
    :class:`ReleaseError` where there is none.
    """
    if not is_url(place):
        as_it_lies = _whole(Path(place))
        if as_it_lies is not None:
            return _opened_or_before(as_it_lies, roots, say)
    publisher = open_publisher(place)
    home = Home(home_of(publisher.name))
    point_anew(home, roots, say)
    _roll_back(home, say)

    def pulled(mend: bool = False) -> None:
        pull(publisher, home.folder, roots, channel=channel, mend=mend, progress=progress)

    try:
        pulled()
    except ReleaseError as error:
        served = home.served
        if served is None:
            raise
        say(f"{error}; going on with the last good release, {served.release_id}")
    try:
        return _opened(home.releases, roots, say)
    except ROTTEN as error:
        say(f"{error}; doing so")
        try:
            pulled(mend=True)
        except ReleaseError as cannot:
            say(str(cannot))
        return _opened_or_before(home.releases, roots, say)


def newest_at(place: str | Path, roots: Sequence[bytes] | None = None, *, channel: str | None = None) -> Release:
    """What is newest at a place as for :func:`open_newest`, by its signed manifest: cheap where it is known already.

    From a publisher it is pulled, and tried, first; a home or whole releases are taken as they lie. No file of it is verified
    here: :func:`open_newest` opens it. Raises a :class:`ReleaseError`.
    """
    as_it_lies = None if is_url(place) else _whole(Path(place))
    folder = newest(as_it_lies) if as_it_lies else pull(place, roots=roots, channel=channel).folder
    return signed_release(folder, roots)


def _whole(place: Path) -> Path | None:
    """The folder to open where releases lie whole; None for a publisher's, or for one that isn't there but was pulled from."""
    for folder in (place / "releases", place):
        if (folder / "latest.json").exists() and not (folder / METADATA).is_dir():
            return folder
    if (place / "manifest.json").exists():
        return place
    if any((place / "releases").glob(f"*/{PROOF}")):  # a home whose pointer is lost
        return place / "releases"
    if (place / "releases").is_dir():  # a home whose first pull did not come to its end
        return place
    known = (place / METADATA).is_dir() or Home(home_of(open_publisher(place).name)).kept()
    return None if known else place


def _opened(folder: Path, roots: Sequence[bytes] | None, say: Callable[[str], None]) -> Release:
    home = Home(folder.parent)
    if home.releases == folder.absolute() and home.metadata.is_dir():
        point_anew(home, roots, say)
    if (folder / "latest.json").exists():
        _roll_back(home, say)
    release = open_release(folder, roots)
    if release.expired and release.signed:
        say(
            f"WARNING: the signatures of release {release.release_id} expired on {release.signed.expires:%Y-%m-%d}: it goes on "
            "being served, but pull a newer one, or see to this device's clock"
        )
    return release


def _opened_or_before(folder: Path, roots: Sequence[bytes] | None, say: Callable[[str], None]) -> Release:
    """The release that is served in a folder; where that is damaged, the last good one, which is served from then on.

    Where not even a pointer is left, or can be written, it is the newest that lies there whole.
    """
    try:
        return _opened(folder, roots, say)
    except ROTTEN as error:
        home = Home(folder.parent)
        if home.releases != Path(folder).absolute():
            raise
        for before in [home.before] if home.before else here(home, roots):
            try:
                release = _opened(home.releases / before.release_id, roots, say)
            except ReleaseError:
                continue
            with suppress(OSError):  # whoever only looks may not move the pointer
                home.roll_back(None)
            say(f"{error}; going on with the last good release, {before.release_id}")
            return release
        raise


def _roll_back(home: Home, say: Callable[[str], None]) -> None:
    served = home.served
    try:
        before = roll_back_if_due(home)
    except OSError as error:
        say(f"{home.folder} can't be written ({error.strerror}): nothing is rolled back there")
        return
    if before is not None and served is not None:
        say(
            f"release {served.release_id} ended its service again and again: rolled back to {before.release_id}, and it is not "
            "served here any more"
        )
