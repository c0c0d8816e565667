"""What a publisher's place is to a device: files by their path, from any byte on. It gives bytes and is trusted in nothing.

``metadata/…`` holds what is signed, ``<release id>/manifest.json`` the manifests, ``parts/<sha256>`` the parts.
"""

from collections.abc import Iterator
from typing import Protocol

METADATA = "metadata"
PIECE = 1 << 18


class Publisher(Protocol):
    """A place where releases are published."""

    name: str
    """What it is called in messages; one place always has the same name."""

    @property
    def root_hint(self) -> str:
        """Where a person finds the publisher's ``root.json``."""

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """The bytes of a file from ``start`` on, in pieces. Is called from several threads at once.

        Raises :class:`~edge_runtime.releases.refusals.NotPublished` where there is none, and
        :class:`~edge_runtime.releases.refusals.Unreachable` where the place doesn't answer; both may come with any piece.
        """
