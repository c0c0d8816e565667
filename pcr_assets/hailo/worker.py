"""Compiles one request. Runs in the Hailo compiler's own interpreter, by path: it may import nothing of this project.

    <compiler's python> worker.py probe             what is installed, as one line of JSON
    <compiler's python> worker.py REQUEST OUT       compile; leaves response.json and the files it names in the folder OUT

Python 3.10, its standard library, numpy and hailo_sdk_client (Dataflow Compiler 3.33).
"""

import ctypes
import importlib.metadata
import json
import platform
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA = 1
DISTRIBUTION = "hailo-dataflow-compiler"
PR_SET_PDEATHSIG = 1


def versions() -> dict[str, str]:
    """Versions of the compiler, of this Python and of the platform. Raises PackageNotFoundError."""
    return {
        DISTRIBUTION: importlib.metadata.version(DISTRIBUTION),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


class Failed(Exception):
    """A step of the compilation failed: what was being done, and the compiler's first words about it."""

    def __init__(self, stage: str, error: Exception):
        words = (str(error).strip().splitlines() or ["no message"])[0]
        super().__init__(f"{type(error).__name__}: {words}")
        self.stage = stage


def compile_student(request: dict, out: Path) -> dict[str, str]:
    """Parse, optimize, emulate and compile; returns the names of the files left in ``out``. Raises :class:`Failed`.

    The calibration cards are raw pixels, float32 N×H×W×3 in 0..255: the script puts the normalisation into the model.
    """
    from hailo_sdk_client import ClientRunner, InferenceContext

    stage = "load the cards"
    try:
        cards = np.load(request["calibration"])  # in the order of their sets: the first ones would be of a few sets
        some = np.linspace(0, len(cards) - 1, min(request["calibration_count"], len(cards))).astype(int)
        calibration = cards[some].astype(np.float32)
        samples = np.load(request["samples"]).astype(np.float32)
        stage = "parse the graph"
        runner = ClientRunner(hw_arch=request["hw_arch"])
        shapes = {request["input"]: request["input_shape"]}
        runner.translate_onnx_model(request["onnx"], request["net_name"], net_input_shapes=shapes)
        stage = "read the model script"
        runner.load_model_script(request["model_script"])
        stage = "optimize in full precision"
        runner.optimize_full_precision(calib_data=calibration)
        np.save(out / "fp_optimized.npy", emulate(runner, InferenceContext.SDK_FP_OPTIMIZED, samples))
        stage = "quantize"
        runner.optimize(calibration)
        np.save(out / "quantized.npy", emulate(runner, InferenceContext.SDK_QUANTIZED, samples))
        stage = "compile"
        (out / "student.hef").write_bytes(runner.compile())
        runner.save_har(str(out / "student.har"))
    except Exception as error:  # the compiler's own exceptions share no base class
        raise Failed(stage, error) from error
    return {
        "hef": "student.hef",
        "har": "student.har",
        "fp_optimized": "fp_optimized.npy",
        "quantized": "quantized.npy",
    }


def emulate(runner: Any, context: Any, samples: np.ndarray) -> np.ndarray:
    """Embeddings float32 N×D of cards float32 N×H×W×3 in 0..255, from the compiler's emulator."""
    with runner.infer_context(context) as running:
        found = runner.infer(running, samples)
    found = found[0] if isinstance(found, list) else found
    return np.asarray(found, dtype=np.float32).reshape(len(samples), -1)


def main(arguments: list[str]) -> int:
    """Answer a probe or a request; the exit status is 0 when it went well."""
    if arguments == ["probe"]:
        print(json.dumps(versions()))
        return 0
    # The kernel ends this when the refresh is gone, as others by pcr_assets.resources.bound: a killed one can't, and the next one
    # compiles in the same folder.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    request_file, out = Path(arguments[0]), Path(arguments[1])
    request = json.loads(request_file.read_text())
    if request["schema"] != SCHEMA:
        raise SystemExit(f"{request_file} has schema {request['schema']}, this worker reads {SCHEMA}")
    answer = {"schema": SCHEMA, "ok": True, "versions": versions()}
    try:
        answer["files"] = compile_student(request, out)
    except Failed as error:
        traceback.print_exc()
        answer.update(ok=False, stage=error.stage, error=str(error))
    (out / "response.json").write_text(json.dumps(answer, indent=1))
    return 0 if answer["ok"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
