"""What the compiler's program is asked and what comes back: one JSON each, with files beside them."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pcr_assets.hailo.compile_log import CompileLog
from pcr_assets.hailo.model_script import HailoSettings, model_script

if TYPE_CHECKING:
    import numpy as np

SCHEMA = 1
REQUEST = "request.json"
RESPONSE = "response.json"


class HailoError(RuntimeError):
    """The compiler is not there, or it refused, or what it made is not good enough; the message is one sentence."""


@dataclass(frozen=True)
class CompileRequest:
    """A graph to compile and the cards to do it with.

    ``onnx``: ``student_hailo.onnx``, float 1×3×H×W, not normalised and not quantised. ``calibration`` and ``samples``: .npy of
    cards uint8 N×H×W×3 as the edge rectifies them; the emulator embeds the samples. ``mean``, ``std``: in units of 0..255.
    """

    onnx: Path
    calibration: Path
    samples: Path
    input_size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    settings: HailoSettings = field(default_factory=HailoSettings)
    net_name: str = "student"

    def as_json(self) -> dict[str, Any]:
        """The request as the worker reads it."""
        width, height = self.input_size
        return {
            "schema": SCHEMA,
            "hw_arch": self.settings.hw_arch,
            "net_name": self.net_name,
            "onnx": str(self.onnx.absolute()),
            "input": "image",
            "input_shape": [1, 3, height, width],
            "model_script": model_script(self.mean, self.std, self.settings),
            "calibration": str(self.calibration.absolute()),
            "calibration_count": self.settings.calibration_count,
            "samples": str(self.samples.absolute()),
        }


@dataclass(frozen=True)
class CompileResult:
    """What the compiler made.

    ``fp_optimized`` and ``quantized``: the samples' embeddings float32 N×D out of the compiler's emulator, before the scaling
    to unit length: with all its graph changes in float, and with the device's integers. ``versions``: of the compiler,
    its Python and its platform.
    """

    hef: Path
    har: Path
    fp_optimized: "np.ndarray"
    quantized: "np.ndarray"
    log: CompileLog
    versions: dict[str, str]


def read_response(folder: Path, log: CompileLog) -> CompileResult:
    """The result that a worker left in ``folder``. Raises :class:`HailoError` with the worker's own sentence."""
    import numpy as np

    try:
        response = json.loads((folder / RESPONSE).read_text())
    except (OSError, ValueError) as error:
        raise HailoError(
            f"the compiler's program left no answer in {folder / RESPONSE}: read {folder / 'stderr.txt'}"
        ) from error
    if response.get("schema") != SCHEMA:
        raise HailoError(
            f"{folder / RESPONSE} has schema {response.get('schema')}, expected {SCHEMA}: worker and caller differ"
        )
    if not response["ok"]:
        raise HailoError(f"the Hailo compiler failed to {response['stage']}: {response['error']}")
    files = {name: folder / file for name, file in response["files"].items()}
    return CompileResult(
        hef=files["hef"],
        har=files["har"],
        fp_optimized=np.load(files["fp_optimized"]),
        quantized=np.load(files["quantized"]),
        log=log,
        versions=response["versions"],
    )
