"""Pictures that a record has already: what they show is remembered beside them, and the same is not drawn again.

New cards change the text of a model's card, and not the curve of its training.
"""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from pcr_assets import digests
from pcr_assets.resources.artifacts import ArtifactDamaged, ArtifactMissing, Artifacts

LOOK = "1"
"""Raise it when the same content is to look otherwise."""
Picture = Callable[[Any, Callable[[], bytes]], bytes]
"""The picture of what is shown, plain JSON values: drawn by the function, where no earlier one shows the same."""


class Drawn:
    """The pictures of one record: those that it has, and those that are drawn now."""

    def __init__(self, artifacts: Artifacts, name: str):
        last = artifacts.named(name)
        files = {file.sha256: file for file in last.files.values()} if last else {}
        drawn = last.record.get("drawn", {}) if last else {}
        self._artifacts = artifacts
        self._last = {shown: files[sha256] for shown, sha256 in drawn.items() if sha256 in files}
        self._now: dict[str, str] = {}

    def picture(self, shows: Any, draw: Callable[[], bytes]) -> bytes:
        """See :data:`Picture`."""
        shown = digests.of_json([LOOK, version("matplotlib"), shows])
        data = self._kept(shown)
        data = draw() if data is None else data
        self._now[shown] = digests.of_bytes(data)
        return data

    def _kept(self, shown: str) -> bytes | None:
        if shown not in self._last:
            return None
        try:
            return self._artifacts.fetch_file(self._last[shown]).read_bytes()
        except (ArtifactMissing, ArtifactDamaged):
            return None

    @property
    def record(self) -> dict[str, Any]:
        """What to publish with the pictures."""
        return {"drawn": self._now}
