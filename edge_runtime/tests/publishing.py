"""Publishers of the small world: one keeps its releases whole, one in parts. Tests change what they wrote, and sign anew."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drawn import listed
from signing import Repository


@dataclass
class Publisher:
    """Signs releases with keys of its own, and keeps them whole, as a device's home does. Tests change what it wrote, or what
    it says, and sign again."""

    releases: Path
    folder: Path
    repository: Repository

    @property
    def trusted(self) -> list[bytes]:
        return self.repository.trusted

    @property
    def manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "manifest.json").read_text()))

    def add(self, file: Path, **said: Any) -> None:
        """Publish again with one more file, and whatever else the manifest shall say."""
        files = {**self.manifest["files"], file.name: listed(file)}
        self.publish(self.folder, {**self.manifest, "files": files, **said})

    def publish(self, folder: Path, manifest: Any) -> None:
        """Write, sign and point at a manifest, whatever it says."""
        data = json.dumps(manifest).encode()
        (folder / "manifest.json").write_bytes(data)
        self.repository.publish(folder.name, data)
        (folder / "proof.json").write_bytes(self.repository.proof())
        pointer = {"release_id": folder.name, "manifest_sha256": hashlib.sha256(data).hexdigest()}
        (self.releases / "latest.json").write_text(json.dumps(pointer))


PIECE = 3000


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class InParts:
    """Publishes what a publisher has in a folder the way the pipeline does: parts, a manifest, metadata, and no files."""

    def __init__(self, publisher):
        self.whole = publisher.folder.rename(publisher.releases.parent / "whole")
        self.manifest = json.loads((self.whole / "manifest.json").read_text())
        self.releases = publisher.releases
        (self.releases / "latest.json").unlink()
        self.repository = publisher.repository
        self.repository.move(self.releases)
        self.parts = self.releases / "parts"
        self.parts.mkdir()
        self.publish()

    @property
    def trusted(self):
        return self.repository.trusted

    @property
    def files(self):
        return {path.name: self._listed(path) for path in self.whole.iterdir() if path.suffix != ".json"}

    def publish_with(self, name, entry):
        """Publish a manifest that says something else of one file."""
        return self.publish(files={**self.files, name: entry})

    def publish(self, channel="stable", **changes):
        """Publish the files as they lie in ``whole`` now; the release is called by its manifest."""
        manifest = {**self.manifest, "files": self.files, **changes}
        manifest["release_id"] = sha256(json.dumps(manifest).encode())[:16]
        self.folder = self.releases / manifest["release_id"]
        self.folder.mkdir(exist_ok=True)
        data = json.dumps(manifest).encode()
        (self.folder / "manifest.json").write_bytes(data)
        self.repository.publish(self.folder.name, data, channel)
        return manifest

    def _listed(self, path):
        data = path.read_bytes()
        pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
        entry = {"sha256": sha256(data), "size": len(data)}
        if len(pieces) > 1:
            rows = json.dumps([[sha256(piece), len(piece)] for piece in pieces]).encode()
            entry["parts"] = {"sha256": sha256(rows), "size": len(rows)}
            pieces.append(rows)
        for piece in pieces:
            (self.parts / sha256(piece)).write_bytes(piece)
        return entry

    def manifest_part(self, name):
        """The first part of a file as it is published now, by its SHA-256."""
        entry = self._listed(self.whole / name)
        if "parts" not in entry:
            return entry["sha256"]
        return json.loads((self.parts / entry["parts"]["sha256"]).read_bytes())[0][0]

    def a_part(self):
        """A part of the index that no other file has."""
        listed = json.loads((self.parts / self._listed(self.whole / "fp32.usearch")["parts"]["sha256"]).read_bytes())
        return self.parts / listed[-1][0]

    def change_a_row(self):
        """Another release: a card of the catalogue has another name."""
        catalogue = self.whole / "catalogue.csv"
        catalogue.write_text(catalogue.read_text().replace("Amber Fox", "Amber Fawn"))
        return self.publish()
