"""Files of an artifact that are written before it is published, so that a run that is killed loses none of them.

Each lies under the digest of its bytes, and a note beside it says, under the digest of what it was made from, which it is and
what the artifact's record will say of it. The next run finds it by the note. ``make gc`` removes what no pointer came to name.

A note may say more of how a file was made: what is no content, such as times and etags, has no place in the artifact itself.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pcr_assets import digests
from pcr_assets.resources.artifacts import PublishedFile
from pcr_assets.resources.store import Missing, Store, StoreError

FILES, NOTES = "shards", "ahead"
"""Folders below the artifact's name."""


class Ahead:
    """What was written ahead for the next version of one artifact."""

    def __init__(self, store: Store, name: str):
        self._store = store
        self._name = name

    def about(self, inputs: str) -> Any:
        """What :meth:`keep` was told of what was made from these inputs; None where there is no note."""
        try:
            return json.loads(self._store.read(self._note(inputs))).get("about")
        except (Missing, ValueError, AttributeError):
            return None

    def find(self, inputs: str) -> tuple[dict[str, Any], PublishedFile | None] | None:
        """The entry and the file that were made from these inputs (a digest in hex); None where there are none, or no more."""
        try:
            note = json.loads(self._store.read(self._note(inputs)))
            file = PublishedFile(**note["file"]) if note["file"] else None
        except (Missing, ValueError, KeyError, TypeError):
            return None
        if file and self._store.size(file.key) != file.size:
            return None
        return note["entry"], file

    def keep(
        self, inputs: str, entry: Mapping[str, Any], made: Path | PublishedFile | None, label: str, about: Any = None
    ) -> PublishedFile | None:
        """Write a file and its note; a file that is in the store already, or that there is none, is noted alone.

        ``label`` tells a person which file it is: its name begins with it. ``about`` is for :meth:`about`, as JSON.
        """
        file = self._written(made, label) if isinstance(made, Path) else made
        note = {"entry": dict(entry), "file": vars(file) if file else None, "about": about}
        self._store.write(self._note(inputs), digests.canonical_json(note))
        return file

    def _written(self, path: Path, label: str) -> PublishedFile:
        sha256, size = digests.of_file(path), path.stat().st_size
        file = PublishedFile(f"{self._name}/{FILES}/{label}-{sha256[:32]}{path.suffix}", sha256, size)
        if not self._store.create(file.key, path) and self._store.size(file.key) != size:
            raise StoreError(f"{self._store.root}/{file.key} is not what its name says: delete it, then run again")
        return file

    def _note(self, inputs: str) -> str:
        return f"{self._name}/{NOTES}/{inputs}.json"
