"""Both catalogues on loopback, with rendered sample cards, and a raw folder to fill."""

import csv
from pathlib import Path

import cv2
import pytest

from pcr_assets.ingest import __main__ as command
from pcr_assets.resources.store import FolderStore
from pcr_assets_tests.ingest.published import Published


@pytest.fixture(scope="session")
def sample_pictures() -> list[bytes]:
    """Rendered sample cards as PNG files."""
    from pcr_assets.imaging.sample import render_card, specs

    cards = specs(sets=2, cards_per_set=4)[:5]
    images = (cv2.cvtColor(render_card(card.design), cv2.COLOR_RGB2BGR) for card in cards)
    return [cv2.imencode(".png", image)[1].tobytes() for image in images]


@pytest.fixture
def published(sample_pictures):
    server = Published(sample_pictures)
    yield server
    server.close()


class RawFolder:
    """A raw card folder, the command that fills it, and what is in it."""

    def __init__(self, folder: Path, published: Published, capsys):
        self.folder, self.published, self._capsys = folder, published, capsys
        self.out = self.err = ""

    def ingest(self, *arguments: str, source: str = "tcgdex", api: str = "") -> int:
        """Run the command without the patience that real servers need; gives its exit code."""
        address = api or (self.published.api if source == "tcgdex" else self.published.data)
        given = ["--cards", str(self.folder), "--source", source, "--api", address, "--rate", "1000"]
        given += ["--backoff", "0.01", "--timeout", "10"]
        code = command.main([*given, *arguments])
        self.out, self.err = self._capsys.readouterr()
        return code

    @property
    def files(self) -> list[str]:
        return sorted(entry.key for entry in FolderStore(str(self.folder)).list() if entry.key != "cards.csv")

    @property
    def leftovers(self) -> list[Path]:
        return [path for path in self.folder.rglob(".aside-*")]

    @property
    def rows(self) -> list[dict[str, str]]:
        with (self.folder / "cards.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def raw(tmp_path, published, capsys):
    return RawFolder(tmp_path / "card_images", published, capsys)


@pytest.fixture
def one_card(raw, published):
    """A set of two cards, and the path of the first one's picture."""
    published.put("base1", "Alakazam", "Blastoise")
    return published.path_of("base1-1")
