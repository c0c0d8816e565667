"""Files that the tests' small world is made of: drawn cards, models of a few operators, an index, pictures."""

import csv
import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime  # noqa: F401  (before uSearch, see edge_runtime.gallery)
from onnx import TensorProto, helper, numpy_helper
from usearch.index import Index

from edge_runtime.embedder import OnnxEmbedder
from edge_runtime.geometry import full_frame, rectify
from edge_runtime.judging.decide import Calibration
from edge_runtime.judging.features import features
from edge_runtime.judging.references import HALF, SIZE, features_name, picture_name

NAMES = ("Amber Fox", "Blue Heron", "Copper Newt", "Dusk Moth", "Elder Pike", "Fern Hare")
CARD_SIZE = (252, 352)
MODEL_SIZE = (80, 112)
CALIBRATION = Calibration(
    glance=(-40.0, 50.0, 0.0), look=(-8.0, 0.0, 0.0, 3.0, 1.0), accept=0.5, sure=0.9, twin_margin=0.02, twin_lead=0.05
)
"""At a glance a cosine of 0.8 is as good as none; at a second look some 15 agreeing points are."""
GRID = (8, 8)
DIM = GRID[0] * GRID[1] * 3


def draw_card(seed: int) -> np.ndarray:
    """A scan uint8 RGB: 5 × 7 tiles whose colours come from the seed."""
    tiles = np.random.default_rng(seed).integers(20, 236, (7, 5, 3), np.uint8)
    width, height = CARD_SIZE
    card = np.full((height, width, 3), 225, np.uint8)
    card[12:-12, 12:-12] = cv2.resize(tiles, (width - 24, height - 24), interpolation=cv2.INTER_NEAREST)
    return card


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


def correlation_verifier(path: Path, **metadata: str) -> Path:
    """A printing verifier: likely where the lower thirds of card and picture, evened out, agree."""
    width, height = HALF
    constants = {
        "start": np.array([height * 2 // 3], np.int64),
        "end": np.array([height], np.int64),
        "down": np.array([2], np.int64),
        "first": np.array(0, np.int64),
        "second": np.array(1, np.int64),
        "axes": np.array([1, 2], np.int64),
        "enough": np.float32(0.75),
        "soft": np.float32(0.05),
    }
    nodes = [
        helper.make_node("Slice", ["pairs", "start", "end", "down"], ["lower"]),
        helper.make_node("Gather", ["lower", "first"], ["card"], axis=1),
        helper.make_node("Gather", ["lower", "second"], ["picture"], axis=1),
        helper.make_node("Mul", ["card", "picture"], ["product"]),
        helper.make_node("ReduceMean", ["product", "axes"], ["agreement"], keepdims=0),
        helper.make_node("Sub", ["agreement", "enough"], ["over"]),
        helper.make_node("Div", ["over", "soft"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
    ]
    graph = helper.make_graph(
        nodes,
        "agreement",
        [helper.make_tensor_value_info("pairs", TensorProto.FLOAT, ["n", 2, height, width])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    for key, value in {"threshold": "0.5", **metadata}.items():
        model.metadata_props.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


def write_catalogue(path: Path, card_ids: list[str]) -> Path:
    """One view of each card; keys count from 1."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["key", "card_id", "view", "name", "set", "number", "art_group", "set_name"])
        for key, card_id in enumerate(card_ids, 1):
            rows.writerow([key, card_id, 0, NAMES[(key - 1) % len(NAMES)], "demo", key, card_id, "Demo Days"])
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


def listed(path: Path) -> dict[str, Any]:
    """What a manifest says of a file."""
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size": path.stat().st_size}


def write_hef(path: Path, arch: str = "hailo8l", *, output_scale: float = 7.0) -> Path:
    """The model "compiled" for the double. Its vectors are not of unit length, as those of a HEF."""
    model = block_average_model(path.with_suffix(".tmp"), output_scale=output_scale)
    header = json.dumps({"simulated": True, "arch": arch}).encode()
    path.write_bytes(b"PCR-SIMULATED-HEF\n" + header + b"\n" + model.read_bytes())
    model.unlink()
    return path
