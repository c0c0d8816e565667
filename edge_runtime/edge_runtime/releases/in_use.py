"""A device's note of the release it runs, beside the publisher's releases: ``in_use/<device>.json``.

Whoever clears the store keeps what a note names. Where the device may not write, it leaves none, and the publisher goes by the
age of releases alone.
"""

import hashlib
import json
import os
import re
import socket
from pathlib import Path

from edge_runtime.disk import replace

FOLDER = "in_use"


def leave(releases: Path, release_id: str, home: Path) -> bool:
    """Note that the home's device runs this release; gives whether it could be written. The note's own age is its date."""
    folder = releases / FOLDER
    if folder.is_symlink():  # on somebody's stick it may lead anywhere on this device
        return False
    try:
        folder.mkdir(exist_ok=True)
        note = folder / f"{device(home)}.json"
        replace(note, json.dumps({"release_id": release_id}).encode())
        note.chmod(0o644)  # the publisher may be another user
    except OSError:
        return False
    return True


def device(home: Path) -> str:
    """What a device is called in notes: its host's name, and a digest of where its home lies, for hosts that have several."""
    host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:63] or "device"
    return f"{host}-{hashlib.sha256(os.fsencode(Path(home).absolute())).hexdigest()[:8]}"
