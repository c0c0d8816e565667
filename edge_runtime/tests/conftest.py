"""A small world to test in: drawn cards, a model that averages blocks of pixels, and a signed release made of both."""

import errno
import hashlib
import importlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edge_runtime.releases.selftest
from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.release import open_release

sys.path.insert(0, str(Path(__file__).parent))
from drawn import (
    CALIBRATION,
    DIM,
    MODEL_SIZE,
    NAMES,
    block_average_model,
    correlation_verifier,
    draw_card,
    lay,
    listed,
    write_catalogue,
    write_hef,
    write_index,
    write_references,
    write_self_test,
)
from publishing import InParts, Publisher
from signing import Repository

# A shell ignores Ctrl-C for what it runs in the background, and children inherit that: tests that send it would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def scans() -> dict[str, np.ndarray]:
    """Scans by card id: a light border around coloured tiles, six cards of one set."""
    return {f"demo-{number}": draw_card(number) for number in range(1, len(NAMES) + 1)}


@pytest.fixture(scope="session")
def stranger() -> np.ndarray:
    """The scan of a card that is in no gallery."""
    return draw_card(1000)


@pytest.fixture(scope="session")
def foreign(scans: dict[str, np.ndarray]) -> np.ndarray:
    """The scan of a card with the artwork of the first one, and a text of its own."""
    card, below = scans["demo-1"].copy(), 2 * scans["demo-1"].shape[0] // 3
    for row in range(below, card.shape[0] - 20, 8):
        cv2.rectangle(card, (20, row), (60 + (37 * row) % 170, row + 3), (40, 40, 40), -1)
    return card


@pytest.fixture(scope="session")
def _grainy() -> np.ndarray:
    grain = np.random.default_rng(0).normal(0, 4, (480, 640, 3))
    return (np.array([62, 48, 40]) + grain).clip(0, 255).astype(np.uint8)


@pytest.fixture
def table(_grainy: np.ndarray) -> np.ndarray:
    """An empty table of 640 × 480 pixels: dark, with a little grain, which takes longer to draw than some tests."""
    return _grainy.copy()


TILTED = ((250, 90), (420, 130), (360, 400), (170, 350))
"""Corners of a card that lies turned and seen at a slant, on a table of 640 × 480 pixels."""


@pytest.fixture
def photo_of(table: np.ndarray) -> Callable[..., np.ndarray]:
    """Makes photos: a card on the table, by default tilted."""
    return lambda card, corners=TILTED: lay(card, corners, table)


@pytest.fixture(scope="session")
def release_files(tmp_path_factory: pytest.TempPathFactory, scans: dict[str, np.ndarray]) -> Path:
    """The files of a release of the drawn cards, made once: signing a copy takes a tenth of making them."""
    folder = tmp_path_factory.mktemp("files")
    write_index(folder / "fp32.usearch", block_average_model(folder / "fp32.onnx"), scans)
    write_catalogue(folder / "catalogue.csv", list(scans))
    write_references(folder / "references-demo.zip", scans)
    write_self_test(folder / "selftest.zip", scans)
    return folder


@pytest.fixture
def publisher(tmp_path: Path, release_files: Path) -> Publisher:
    """A publisher that has published one release of the drawn cards."""
    folder = tmp_path / "releases" / "0123456789abcdef"
    shutil.copytree(release_files, folder)
    publisher = Publisher(folder.parent, folder, Repository(tmp_path / "signed"))
    variant = {
        "engine": "onnx",
        "model": "fp32.onnx",
        "index": "fp32.usearch",
        "input_size": list(MODEL_SIZE),
        "embedding_dim": DIM,
        "calibration": CALIBRATION.as_json(),
    }
    publisher.publish(
        folder,
        {
            "schema": 6,
            "release_id": folder.name,
            "files": {path.name: listed(path) for path in sorted(folder.iterdir())},
            "self_test": "selftest.zip",
            "catalogue": "catalogue.csv",
            "references": ["references-demo.zip"],
            "variants": {"fp32": variant},
            "default_variant": "fp32",
        },
    )
    return publisher


@pytest.fixture
def telling_printings_apart(publisher: Publisher) -> Publisher:
    """The publisher, whose release has a printing verifier as well."""
    model = correlation_verifier(publisher.folder / "printing_verifier.onnx")
    publisher.add(model, printing_verifier=model.name)
    return publisher


@pytest.fixture
def published(publisher: Publisher) -> InParts:
    """A publisher's release in parts."""
    return InParts(publisher)


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A machine with a Hailo-8L, as the double of HailoRT's package shows it; what is wrong with it can be set."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "fake_hailo"))
    _forget_hailort()
    yield importlib.import_module("hailo_platform").board
    _forget_hailort()


def _forget_hailort() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "hailo_platform"]:
        del sys.modules[name]


@pytest.fixture
def no_hailort(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without HailoRT's package, whatever this one has."""
    monkeypatch.setitem(sys.modules, "hailo_platform", None)


@pytest.fixture
def hef(tmp_path: Path) -> Path:
    """A model for the Hailo-8L."""
    return write_hef(tmp_path / "student.hef")


@pytest.fixture
def for_chips(publisher: Publisher) -> Callable[..., Publisher]:
    """Publishes the release again, with a model and its index for each of some architectures."""

    def publish(*archs: str) -> Publisher:
        folder, manifest = publisher.folder, publisher.manifest
        for arch in archs:
            model, index = write_hef(folder / f"{arch}.hef", arch), folder / f"{arch}.usearch"
            index.write_bytes((folder / "fp32.usearch").read_bytes())
            manifest["files"] |= {path.name: listed(path) for path in (model, index)}
            manifest["variants"][arch] = {
                **manifest["variants"]["fp32"],
                "engine": "hailo",
                "hw_arch": arch,
                "model": model.name,
                "index": index.name,
            }
        publisher.publish(folder, manifest)
        return publisher

    return publish


@pytest.fixture
def index_of() -> Callable[..., None]:
    """Publishes a release again, one of its models with an index of other scans than its pictures show."""

    def publish(publisher: Publisher, scans: Mapping[str, np.ndarray], variant: str = "fp32") -> None:
        index = write_index(publisher.folder / f"{variant}.usearch", publisher.folder / "fp32.onnx", scans)
        manifest = publisher.manifest
        manifest["files"][index.name] = listed(index)
        publisher.publish(publisher.folder, manifest)

    return publish


@pytest.fixture
def trusted(publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """This device trusts the publisher, and whom else it is told to."""
    roots = tmp_path / "roots"
    roots.mkdir()
    monkeypatch.setenv("EDGE_RUNTIME_TRUSTED_ROOTS", str(roots))

    def pin(other: Any) -> None:
        for root in other.trusted:
            (roots / f"{hashlib.sha256(root).hexdigest()}.root.json").write_bytes(root)

    pin(publisher)
    return pin


@pytest.fixture(autouse=True)
def tried_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pull tries releases in this process: another one takes a second to start. Tests of that call ``tried_apart``."""
    monkeypatch.setattr("edge_runtime.releases.pull.tried_apart", edge_runtime.releases.selftest.tried_here)


@pytest.fixture
def device(publisher: Publisher, trusted: Callable[[Any], None]) -> Publisher:
    """The publisher, whom this device trusts."""
    return publisher


@pytest.fixture
def lock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Takes this user the right to look into a folder, also from root, who can't lose it."""

    def take(folder: Path) -> None:
        def refusing(asked: Callable[..., Any], at: Callable[[Path], bool]) -> Callable[..., Any]:
            def ask(path: Any = ".", *given: Any, **named: Any) -> Any:
                if not isinstance(path, int) and at(Path(path)):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
                return asked(path, *given, **named)

            return ask

        monkeypatch.setattr(os, "stat", refusing(os.stat, lambda path: folder in path.parents))
        for name in ("listdir", "scandir"):
            monkeypatch.setattr(os, name, refusing(getattr(os, name), lambda path: path.is_relative_to(folder)))

    return take


@pytest.fixture
def photo_file(tmp_path: Path, scans: dict[str, np.ndarray], photo_of: Callable[..., np.ndarray]) -> str:
    """A photo of the first card."""
    path = tmp_path / "fox.png"
    cv2.imwrite(str(path), cv2.cvtColor(photo_of(scans["demo-1"]), cv2.COLOR_RGB2BGR))
    return str(path)


@pytest.fixture
def recognizer(publisher):
    """Reads photos with the newest release of the publisher."""
    return Recognizer.open(open_release(publisher.releases, publisher.trusted), threads=1)
