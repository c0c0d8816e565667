"""A small world to test in: drawn cards, a model that averages blocks of pixels, and a signed release made of both."""

import csv
import hashlib
import importlib
import json
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime  # noqa: F401  (before uSearch, see edge_runtime.gallery)
import pytest
from onnx import TensorProto, helper, numpy_helper
from usearch.index import Index

import edge_runtime.selftest
from edge_runtime.decide import Calibration
from edge_runtime.embedder import OnnxEmbedder
from edge_runtime.features import features
from edge_runtime.geometry import full_frame, rectify
from edge_runtime.references import SIZE, features_name, picture_name

sys.path.insert(0, str(Path(__file__).parent))
from signing import Repository

NAMES = ("Amber Fox", "Blue Heron", "Copper Newt", "Dusk Moth", "Elder Pike", "Fern Hare")
CARD_SIZE = (252, 352)
MODEL_SIZE = (80, 112)
CALIBRATION = Calibration(
    glance=(-40.0, 50.0, 0.0), look=(-8.0, 0.0, 0.0, 3.0, 1.0), accept=0.5, sure=0.9, twin_margin=0.02, twin_lead=0.05
)
"""At a glance a cosine of 0.8 is as good as none; at a second look some 15 agreeing points are."""
GRID = (8, 8)
DIM = GRID[0] * GRID[1] * 3


@pytest.fixture(scope="session")
def scans() -> dict[str, np.ndarray]:
    """Scans by card id: a light border around coloured tiles, six cards of one set."""
    return {f"demo-{number}": draw_card(number) for number in range(1, len(NAMES) + 1)}


def draw_card(seed: int) -> np.ndarray:
    """A scan uint8 RGB: 5 × 7 tiles whose colours come from the seed."""
    tiles = np.random.default_rng(seed).integers(20, 236, (7, 5, 3), np.uint8)
    width, height = CARD_SIZE
    card = np.full((height, width, 3), 225, np.uint8)
    card[12:-12, 12:-12] = cv2.resize(tiles, (width - 24, height - 24), interpolation=cv2.INTER_NEAREST)
    return card


@pytest.fixture(scope="session")
def stranger() -> np.ndarray:
    """The scan of a card that is in no gallery."""
    return draw_card(1000)


def lay(card: np.ndarray, corners: Any, photo: np.ndarray) -> np.ndarray:
    """The photo with the card laid on it, its corners at ``corners``."""
    height, width = card.shape[:2]
    matrix = cv2.getPerspectiveTransform(
        full_frame(width, height) - np.float32(0.5), np.float32(corners) - np.float32(0.5)
    )
    size = photo.shape[1::-1]
    laid = cv2.warpPerspective(card, matrix, size, flags=cv2.INTER_AREA)
    inside = cv2.warpPerspective(np.full(card.shape, 255, np.uint8), matrix, size) > 127
    return np.where(inside, laid, photo)


@pytest.fixture
def table() -> np.ndarray:
    """An empty table of 640 × 480 pixels: dark, with a little grain."""
    grain = np.random.default_rng(0).normal(0, 4, (480, 640, 3))
    return (np.array([62, 48, 40]) + grain).clip(0, 255).astype(np.uint8)


TILTED = ((250, 90), (420, 130), (360, 400), (170, 350))
"""Corners of a card that lies turned and seen at a slant, on a table of 640 × 480 pixels."""


@pytest.fixture
def photo_of(table: np.ndarray) -> Callable[..., np.ndarray]:
    """Makes photos: a card on the table, by default tilted."""
    return lambda card, corners=TILTED: lay(card, corners, table)


def block_average_model(path: Path, *, output_scale: float = 1.0) -> Path:
    """A model of this product's shape: uint8 N×H×W×3 to unit vectors, averages of blocks with their mean taken off."""
    width, height = MODEL_SIZE
    kernel = [height // GRID[1], width // GRID[0]]
    constants = {
        "flat": np.array([0, DIM], np.int64),
        "one": np.array([1], np.int64),
        "least": np.array(1e-3, np.float32),
    }
    constants["scale"] = np.array(output_scale, np.float32)
    nodes = [
        helper.make_node("Cast", ["cards"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["blocks"], kernel_shape=kernel, strides=kernel),
        helper.make_node("Reshape", ["blocks", "flat"], ["row"]),
        helper.make_node("ReduceMean", ["row", "one"], ["mean"], keepdims=1),
        helper.make_node("Sub", ["row", "mean"], ["centred"]),
        helper.make_node("ReduceL2", ["centred", "one"], ["length"], keepdims=1),
        helper.make_node("Max", ["length", "least"], ["divisor"]),
        helper.make_node("Div", ["centred", "divisor"], ["unit"]),
        helper.make_node("Mul", ["unit", "scale"], ["vectors"]),
    ]
    graph = helper.make_graph(
        nodes,
        "blocks",
        [helper.make_tensor_value_info("cards", TensorProto.UINT8, ["n", height, width, 3])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", DIM])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def model_file() -> Callable[..., Path]:
    """Writes the model, broken in the way that is asked for."""
    return block_average_model


def edge_contrast_filter(path: Path, **metadata: str) -> Path:
    """An outline filter: likely where the inside of the outline is lighter than what lies around it, on all four sides."""
    width, height, margin = 48, 64, 1.3
    across, down = round(width / 2 * (1 - 1 / margin)), round(height / 2 * (1 - 1 / margin))
    bands = np.zeros((4, 3, height, width), np.float32)
    bands[0, :, down - 2 : down, across:-across], bands[0, :, down : down + 2, across:-across] = -1, 1
    bands[2, :, down:-down, across - 2 : across], bands[2, :, down:-down, across : across + 2] = -1, 1
    bands[1], bands[3] = bands[0, :, ::-1], bands[2, :, :, ::-1]
    bands /= np.abs(bands).sum(axis=(1, 2, 3), keepdims=True) / 2
    constants = {"bands": bands, "axes": np.array([1, 2, 3], np.int64), "enough": np.float32(25), "soft": np.float32(8)}
    nodes = [
        helper.make_node("Cast", ["crops"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "bands"], ["steps"]),
        helper.make_node("ReduceMin", ["steps", "axes"], ["least"], keepdims=0),
        helper.make_node("Sub", ["least", "enough"], ["over"]),
        helper.make_node("Div", ["over", "soft"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
    ]
    graph = helper.make_graph(
        nodes,
        "edges",
        [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", height, width, 3])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    for key, value in {"margin": str(margin), "threshold": "0.5", **metadata}.items():
        model.metadata_props.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def filter_file() -> Callable[..., Path]:
    """Writes an outline filter, with other metadata where that is asked for."""
    return edge_contrast_filter


def write_catalogue(path: Path, card_ids: list[str]) -> Path:
    """One view of each card; keys count from 1."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["key", "card_id", "view", "name", "set", "number", "art_group"])
        for key, card_id in enumerate(card_ids, 1):
            rows.writerow([key, card_id, 0, NAMES[(key - 1) % len(NAMES)], "demo", key, card_id])
    return path


def write_references(path: Path, scans: Mapping[str, np.ndarray]) -> Path:
    """Pictures of the scans; keys as in the catalogue."""
    with zipfile.ZipFile(path, "w") as archive:
        for key, scan in enumerate(scans.values(), 1):
            small = rectify(scan, full_frame(*scan.shape[1::-1]), SIZE)
            archive.writestr(
                picture_name(key), cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1].tobytes()
            )
            archive.writestr(features_name(key), features(small).to_bytes())
    return path


def write_self_test(path: Path, scans: Mapping[str, np.ndarray], similarity: float = 1.0) -> Path:
    """The first cards as known queries, with the answer that they have."""
    queries = [{"picture": f"{card}.png", "card_id": card, "similarity": {"fp32": similarity}} for card in [*scans][:3]]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("answers.json", json.dumps({"queries": queries, "tolerance": {"fp32": 0.02}}))
        for query in queries:
            scan = scans[query["card_id"]]
            small = rectify(scan, full_frame(*scan.shape[1::-1]), SIZE)
            archive.writestr(
                query["picture"], cv2.imencode(".png", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1].tobytes()
            )
    return path


def write_index(path: Path, model: Path, scans: Mapping[str, np.ndarray]) -> Path:
    """An index of the scans as the model sees them; keys as in the catalogue."""
    cards = np.stack([rectify(scan, full_frame(*scan.shape[1::-1]), MODEL_SIZE) for scan in scans.values()])
    index = Index(ndim=DIM, metric="cos", dtype="f16")
    index.add(np.arange(1, len(cards) + 1, dtype=np.uint64), OnnxEmbedder(model, threads=1).embed(cards))
    index.save(str(path))
    return path


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


def listed(path: Path) -> dict[str, Any]:
    """What a manifest says of a file."""
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size": path.stat().st_size}


@pytest.fixture
def publisher(tmp_path: Path, scans: dict[str, np.ndarray]) -> Publisher:
    """A publisher that has published one release of the drawn cards."""
    folder = tmp_path / "releases" / "0123456789abcdef"
    folder.mkdir(parents=True)
    publisher = Publisher(folder.parent, folder, Repository(tmp_path / "signed"))
    model = block_average_model(folder / "fp32.onnx")
    index = write_index(folder / "fp32.usearch", model, scans)
    catalogue = write_catalogue(folder / "catalogue.csv", list(scans))
    references = write_references(folder / "references-demo.zip", scans)
    self_test = write_self_test(folder / "selftest.zip", scans)
    variant = {
        "engine": "onnx",
        "model": model.name,
        "index": index.name,
        "input_size": list(MODEL_SIZE),
        "embedding_dim": DIM,
        "calibration": CALIBRATION.as_json(),
    }
    publisher.publish(
        folder,
        {
            "schema": 4,
            "release_id": folder.name,
            "files": {path.name: listed(path) for path in (model, index, catalogue, references, self_test)},
            "self_test": self_test.name,
            "catalogue": catalogue.name,
            "references": [references.name],
            "variants": {"fp32": variant},
            "default_variant": "fp32",
        },
    )
    return publisher


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


@pytest.fixture
def in_parts() -> Callable[[Publisher], InParts]:
    """Publishes what a publisher has in parts."""
    return InParts


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


def write_hef(path: Path, arch: str = "hailo8l", *, output_scale: float = 7.0) -> Path:
    """The model "compiled" for the double. Its vectors are not of unit length, as those of a HEF."""
    model = block_average_model(path.with_suffix(".tmp"), output_scale=output_scale)
    header = json.dumps({"simulated": True, "arch": arch}).encode()
    path.write_bytes(b"PCR-SIMULATED-HEF\n" + header + b"\n" + model.read_bytes())
    model.unlink()
    return path


@pytest.fixture
def hef(tmp_path: Path) -> Path:
    """A model for the Hailo-8L."""
    return write_hef(tmp_path / "student.hef")


@pytest.fixture
def hef_for(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a model for an architecture."""
    return lambda arch: write_hef(tmp_path / f"{arch}.hef", arch)


@pytest.fixture
def write_hef_file() -> Callable[..., Path]:
    """Writes a model for the Hailo-8L, broken in the way that is asked for."""
    return write_hef


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
def tried_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases are tried in this process: another one takes a second to start. Tests of that are marked ``faults``."""
    if request.node.get_closest_marker("faults") is None:
        monkeypatch.setattr("edge_runtime.pull.tried_apart", edge_runtime.selftest.tried_here)


@pytest.fixture
def device(publisher: Publisher, trusted: Callable[[Any], None]) -> Publisher:
    """The publisher, whom this device trusts."""
    return publisher


@pytest.fixture
def photo_file(tmp_path: Path, scans: dict[str, np.ndarray], photo_of: Callable[..., np.ndarray]) -> str:
    """A photo of the first card."""
    path = tmp_path / "fox.png"
    cv2.imwrite(str(path), cv2.cvtColor(photo_of(scans["demo-1"]), cv2.COLOR_RGB2BGR))
    return str(path)
