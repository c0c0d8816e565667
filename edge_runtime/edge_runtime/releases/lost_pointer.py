"""A home whose pointer is gone, or damaged by a power cut or a memory card that wears out: what lies there is served all the same.

The newest is told by what its channel signed, not by the dates of files, and only what leads back to a trusted root is taken
that was not refused here: nobody gets another release served by damaging a pointer than by writing one.
"""

import hashlib
from collections.abc import Callable, Sequence

from edge_runtime.releases.home import Home, Kept
from edge_runtime.releases.proof import FILE as PROOF
from edge_runtime.releases.refusals import ReleaseError
from edge_runtime.releases.release import signed_release


def point_anew(home: Home, roots: Sequence[bytes] | None, say: Callable[[str], None]) -> None:
    """Where a home's pointer is lost, point at the newest release there, with the one before it as the last good one.

    Without the right to write, nothing is done but said. Raises what :func:`edge_runtime.releases.trust.trusted_roots` does.
    """
    if home.served is not None or not (found := here(home, roots)):
        return
    lost = f"{home.pointer} is {'damaged' if home.pointer.exists() else 'gone'}"
    newest = found[0].release_id
    try:
        home.point_anew(found)
    except OSError as error:
        say(f"{lost}, and can't be written anew ({error.strerror}): pull the release again")
        return
    say(f"WARNING: {lost}: going on with release {newest}, the newest here; pull, for there may be a newer one")


def here(home: Home, roots: Sequence[bytes] | None) -> list[Kept]:
    """The releases in a home whose signatures are good, and which are not refused there: the newest of its channel first."""
    found, refused = [], home.refused
    for folder in home.kept():
        try:
            signed = signed_release(folder, roots).signed
            kept = Kept(folder.name, hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest())
            written = (folder / PROOF).stat().st_mtime_ns
        except (ReleaseError, OSError):
            continue
        if signed is not None and kept.manifest_sha256 not in refused:
            found.append((written, signed, kept))
    followed = max((written, signed.channel) for written, signed, _ in found)[1] if found else ""
    found.sort(key=lambda each: (each[1].channel == followed, each[1].version, each[0]), reverse=True)
    return [Kept(kept.release_id, kept.manifest_sha256, signed.channel) for _, signed, kept in found]
