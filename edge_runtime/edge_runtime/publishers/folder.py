"""A publisher's folder ``releases``, or a copy of it."""

import stat
from collections.abc import Iterator
from pathlib import Path

from edge_runtime.publishers.base import PIECE
from edge_runtime.releases.refusals import NotPublished, Unreachable


class FolderPublisher:
    """See :class:`~edge_runtime.publishers.base.Publisher`."""

    def __init__(self, folder: Path):
        spelled = Path(folder).expanduser().absolute()
        # What is pulled is kept under this name: ../releases must not be fetched anew beside releases.
        self.folder = spelled.resolve() if ".." in spelled.parts else spelled
        self.name = str(self.folder)

    @property
    def root_hint(self) -> str:
        """See :attr:`Publisher.root_hint`."""
        root = self.folder / "root.json"
        return str(root if root.exists() else root.name)

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """See :meth:`Publisher.read`."""
        try:
            if not stat.S_ISREG((self.folder / path).stat().st_mode):  # a pipe would be waited for, for ever
                raise NotPublished(f"{self.name}/{path} is no file")
            with (self.folder / path).open("rb") as file:
                file.seek(start)
                while piece := file.read(PIECE):
                    yield piece
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotPublished(f"{self.name}/{path} is missing") from error
        except OSError as error:
            raise Unreachable(
                f"{self.name}/{path} can't be read ({error.strerror}): look after that disk, then pull again"
            ) from error
