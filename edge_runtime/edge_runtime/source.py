"""Where releases are pulled from: a folder today. Another place is another class with these few methods.

A source is not trusted: it gives bytes, and :mod:`edge_runtime.pull` holds them against a signature.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from edge_runtime.release import NoRelease, PartMissing, is_plain_name

PIECE = 1 << 20


class Source(Protocol):
    """A publisher's releases."""

    name: str
    """What it is called in messages; one source always has the same name."""
    key_hint: str
    """Where a person finds the publisher's public key."""

    def pointer(self) -> bytes:
        """The bytes of ``latest.json``. Raises :class:`NoRelease`."""

    def manifest(self, release_id: str) -> tuple[bytes, bytes | None]:
        """The bytes of a release's manifest and of its signature, None without one. Raises :class:`NoRelease`."""

    def part(self, sha256: str) -> Iterator[bytes]:
        """The bytes of a part, in pieces. Raises :class:`PartMissing`. Is called from several threads at once."""


class FolderSource:
    """A publisher's folder ``releases``, or a copy of it."""

    def __init__(self, folder: Path):
        self.folder = Path(folder).absolute()
        self.name = str(self.folder)
        key = self.folder / "release_key.pub"
        self.key_hint = str(key if key.exists() else key.name)

    def pointer(self) -> bytes:
        """See :meth:`Source.pointer`."""
        try:
            return (self.folder / "latest.json").read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoRelease(
                f"{self.name} holds no release: build one with `make demo`, or name the folder that has latest.json"
            ) from error

    def manifest(self, release_id: str) -> tuple[bytes, bytes | None]:
        """See :meth:`Source.manifest`."""
        folder = self.folder / release_id
        try:
            if not is_plain_name(release_id):
                raise FileNotFoundError(release_id)
            manifest = (folder / "manifest.json").read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoRelease(
                f"{self.name}/latest.json names {release_id}, which is not there: publish the release again"
            ) from error
        signature = folder / "manifest.sig"
        return manifest, signature.read_bytes() if signature.exists() else None

    def part(self, sha256: str) -> Iterator[bytes]:
        """See :meth:`Source.part`."""
        path = self.folder / "parts" / sha256
        try:
            file = path.open("rb")
        except FileNotFoundError as error:
            raise PartMissing(
                f"{path} is missing: publish the release again (`make build ASSET=edge_release`)"
            ) from error
        with file:
            while piece := file.read(PIECE):
                yield piece
