"""A store, in a folder and on S3, in which a test makes old things without waiting: it looks from a day that is yet to come."""

import time
from dataclasses import replace

import pytest

from pcr_assets import digests, layout
from pcr_assets.gallery.parts import Parts, part_key
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store
from pcr_assets.tidy.found import DAY, HOUR, Keep
from pcr_assets.tidy.sweep import look, sweep

NAMES = ["cards", "models/student", layout.RELEASES]


class Site:
    """A store and a scratch folder, seen so many days from now."""

    def __init__(self, root, folder):
        self.store = open_store(root)
        self.artifacts = Artifacts(self.store)
        self.workdir = folder / "work"
        self.workdir.mkdir()
        self.keep = Keep(time.time() + 100 * DAY, releases=1)

    def later(self, days=0.0, hours=0.0, **kept):
        self.keep = replace(self.keep, now=time.time() + days * DAY + hours * HOUR, **kept)

    def release(self, release_id, *contents):
        """Publish a release of a few files; gives the manifest's entries."""
        files = {f"{digests.of_bytes(data)[:8]}.csv": data for data in contents}
        made = self.artifacts.publish("cards", files, digest=digests.of_json([data.hex() for data in contents]))
        parts = Parts(self.store)
        entries = parts.publish(made.files, self.artifacts.fetch_file)
        manifest = digests.canonical_json({"files": entries})
        self.artifacts.publish(layout.RELEASES, {"manifest.json": manifest}, digest=release_id * 4)
        return entries

    def look(self):
        return look(self.store, NAMES, self.workdir, self.keep)

    def sweep(self, patience=5.0):
        """Remove; gives the kinds of what went."""
        return sorted({each.kind for each in sweep(self.store, NAMES, self.workdir, self.keep, patience)})

    def keys(self, below=""):
        return [entry.key for entry in self.store.list(below)]

    def has_part(self, data):
        return self.store.size(part_key(digests.of_bytes(data))) is not None


@pytest.fixture(params=["folder", "s3"])
def site(request, tmp_path, monkeypatch):
    monkeypatch.setattr("pcr_assets.resources.downloads.CACHE", tmp_path / "cache")
    root = str(tmp_path / "store") if request.param == "folder" else request.getfixturevalue("bucket")
    return Site(root, tmp_path)
