"""The double's arithmetic: ONNX Runtime in place of the compiler's emulator."""

import hashlib
import json
import re
import tempfile
from pathlib import Path

import numpy as np
import onnx

SIMULATED_MAGIC = b"PCR-SIMULATED-HEF\n"


def parse(path: Path, shapes: dict[str, list[int]]) -> bytes:
    """The graph's bytes. Raises ValueError for what the compiler can't read."""
    model = onnx.load(str(path))
    if model.ir_version > 8:
        raise ValueError(f"Unsupported model IR version: {model.ir_version}, max supported IR version: 8")
    entry = model.graph.input[0]
    if shapes != {entry.name: [side.dim_value for side in entry.type.tensor_type.shape.dim]}:
        raise ValueError(f"net_input_shapes {shapes} do not match the graph's input {entry.name}")
    return model.SerializeToString()


def input_shape(graph: bytes) -> tuple[int, ...]:
    entry = onnx.load_from_string(graph).graph.input[0]
    return tuple(side.dim_value for side in entry.type.tensor_type.shape.dim)


def normalization(script: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and std that the model script puts into the model; without one the pixels stay as they are."""
    found = re.search(r"normalization\(\[(.*?)\], \[(.*?)\]\)", script)
    if found is None:
        return np.zeros(3, np.float32), np.ones(3, np.float32)
    mean, std = (np.array([float(number) for number in group.split(",")], np.float32) for group in found.groups())
    return mean, std


def quantize(graph: bytes, cards: np.ndarray) -> bytes:
    """The graph in 8 bits, calibrated with normalised cards N×H×W×3."""
    from onnxruntime.quantization import QuantFormat, quantize_static

    class Reader:
        batches = iter([{"image": card.transpose(2, 0, 1)[None]} for card in cards])

        def get_next(self):
            return next(self.batches, None)

    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        before.write_bytes(graph)
        quantize_static(str(before), str(after), Reader(), quant_format=QuantFormat.QDQ, per_channel=True)
        return after.read_bytes()


def infer(graph: bytes, cards: np.ndarray) -> np.ndarray:
    """Outputs N×D of a graph for normalised cards N×H×W×3."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    inputs = (np.ascontiguousarray(card.transpose(2, 0, 1))[None] for card in cards)
    return np.concatenate([session.run(None, {"image": card})[0] for card in inputs])


def simulated_hef(hw_arch: str, net_name: str, graph: bytes) -> bytes:
    """Bytes that say of themselves that they are no HEF."""
    header = {"simulated": True, "arch": hw_arch, "net": net_name, "sha256": hashlib.sha256(graph).hexdigest()}
    return SIMULATED_MAGIC + json.dumps(header, sort_keys=True).encode() + b"\n" + graph
