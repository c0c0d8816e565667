"""A strict double of the Hailo compiler's Python package, for contract tests.

It refuses what the real one refuses: arguments that ../../hailo_contract.json does not list, calls in the wrong state,
calibration under another name than the layer's. Its numbers come from ONNX Runtime, in float and in 8 bits. What it
"compiles" is marked as simulated, and no release accepts it. ``PCR_FAKE_HAILO_LOG`` names a text it says while it works;
with ``PCR_FAKE_HAILO_DIES`` set it dies while it compiles; into the file ``PCR_FAKE_HAILO_TAKES_LONG`` it writes its process, and
compiles for ten minutes.
"""

import contextlib
import enum
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hailo_sdk_client import contract, numerics


class InferenceContext(enum.Enum):
    SDK_NATIVE = "sdk_native"
    SDK_FP_OPTIMIZED = "sdk_fp_optimized"
    SDK_QUANTIZED = "sdk_quantized"
    SDK_HAILO_HW = "sdk_hailo_hw"


class HailoSdkError(Exception):
    """The double's refusals; the real package raises classes of its own."""


class ClientRunner:
    @contract.enforced
    def __init__(self, hw_arch, har):
        if hw_arch not in contract.CONTRACT["hw_archs"]:
            raise HailoSdkError(f"unknown hw_arch {hw_arch}")
        self.hw_arch = hw_arch
        self.state = "uninitialized"
        self.script = ""

    @contract.enforced
    def translate_onnx_model(
        self, model, net_name, start_node_names, end_node_names, net_input_shapes, net_input_format
    ):
        self.graph = numerics.parse(Path(model), net_input_shapes)
        self.net_name = net_name or Path(model).stem
        return {}, {}

    @contract.enforced
    def load_model_script(self, model_script, append):
        self.script = self.script + model_script if append else model_script

    @contract.enforced
    def optimize_full_precision(self, calib_data):
        self.normalization = numerics.normalization(self.script)

    @contract.enforced
    def optimize(self, calib_data, data_type, work_dir):
        calibration = self._cards(calib_data)
        self.normalization = numerics.normalization(self.script)
        print(Path(os.environ["PCR_FAKE_HAILO_LOG"]).read_text())
        self.quantized = numerics.quantize(self.graph, self._normalized(calibration))

    @contract.enforced
    @contextlib.contextmanager
    def infer_context(self, inference_context) -> Iterator[InferenceContext]:
        yield InferenceContext(inference_context)

    @contract.enforced
    def infer(self, context, dataset, batch_size):
        needed = {
            InferenceContext.SDK_FP_OPTIMIZED: ("fp_optimized_model", "quantized_model", "compiled_model"),
            InferenceContext.SDK_QUANTIZED: ("quantized_model", "compiled_model"),
        }
        if self.state not in needed[context]:
            raise HailoSdkError(f"{context} needs the state {needed[context][0]}, the model is in {self.state}")
        graph = self.graph if context is InferenceContext.SDK_FP_OPTIMIZED else self.quantized
        return numerics.infer(graph, self._normalized(self._cards(dataset)))

    @contract.enforced
    def save_har(self, har_path):
        Path(har_path).write_bytes(b"simulated har")

    @contract.enforced
    def compile(self):
        if "PCR_FAKE_HAILO_DIES" in os.environ:
            os.abort()
        if tells := os.environ.get("PCR_FAKE_HAILO_TAKES_LONG"):
            Path(tells).write_text(str(os.getpid()))
            time.sleep(600)
        return numerics.simulated_hef(self.hw_arch, self.net_name, self.quantized)

    def _cards(self, data) -> np.ndarray:
        if isinstance(data, dict):
            layer = f"{self.net_name}/input_layer1"
            if list(data) != [layer]:
                raise HailoSdkError(f"calibration data is keyed by layers of the HN, here {layer}, not {list(data)}")
            data = data[layer]
        _, channels, height, width = numerics.input_shape(self.graph)
        if data.shape[1:] != (height, width, channels):
            raise HailoSdkError(f"calibration data must be N×{height}×{width}×{channels}, not {data.shape}")
        return data

    def _normalized(self, cards: np.ndarray) -> np.ndarray:
        mean, std = self.normalization
        return (cards.astype(np.float32) - mean) / std
