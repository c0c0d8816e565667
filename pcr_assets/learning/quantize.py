"""The student in 8 bits: static quantization with real cards. ``python -m pcr_assets.learning.quantize JOB.json``.

QDQ form, weights per channel, ranges by minimum and maximum: on EfficientNet-Lite, whose ReLU6 clips anyway, entropy and
percentile calibration give the same embeddings and take three times as long. Only convolutions, residual sums, pooling
and the head become 8-bit; normalisation of pixels and the scaling to unit length stay in float.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from pcr_assets.learning import job_file, onnx_graph
from pcr_assets.learning.agreement import Agreement, agreement
from pcr_assets.learning.quantize_settings import QuantizeError, QuantizeSettings
from pcr_assets.measures import even_sample

STUDENT_INT8 = "student_int8.onnx"
OPERATORS = ["Conv", "Clip", "Relu", "Add", "GlobalAveragePool", "Flatten", "Gemm"]
CHECKED = 64  # cards a check takes when the job names none


def quantize(onnx_fp32: Path, calibration: np.ndarray, out: Path, settings: QuantizeSettings) -> Path:
    """Quantise a ``student.onnx`` into the file ``out``; the same input gives the same bytes.

    ``calibration``: cards uint8 N×H×W×3 of the graph's input size (a memory map will do), rectified as the edge
    does it, in the order of their sets; ``calibration_count`` of them, evenly, are used. Raises :class:`QuantizeError`.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    _check(onnx_fp32, calibration, settings)
    excluded = list(settings.nodes_to_exclude) + (_head_nodes(onnx_fp32) if settings.head_in_float else [])
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder, "prepared.onnx")
        # Shapes are known since the export: symbolic inference would only add time.
        quant_pre_process(str(onnx_fp32), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(out),
            _Cards(prepared, calibration[even_sample(len(calibration), settings.calibration_count)]),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=OPERATORS,
            per_channel=settings.per_channel,
            reduce_range=settings.reduce_range,
            activation_type=QuantType[settings.activation],
            weight_type=QuantType[settings.weights],
            nodes_to_exclude=excluded,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"WeightSymmetric": True, "ActivationSymmetric": False},
        )
    written = onnx.load(str(out))
    onnx_graph.drop_unused(written)  # the bounds of clips that became part of a scale
    onnx_graph.set_metadata(written, onnx_graph.metadata(onnx.load(str(onnx_fp32))))
    onnx.save(written, str(out))
    return out


def _check(onnx_fp32: Path, calibration: np.ndarray, settings: QuantizeSettings) -> None:
    model = onnx.load(str(onnx_fp32))
    described = onnx_graph.metadata(model)
    # ONNX Runtime passes over a name that no node has, and the node that was meant becomes 8-bit.
    if unknown := set(settings.nodes_to_exclude) - {node.name for node in model.graph.node}:
        raise QuantizeError(
            f"{onnx_fp32.name} has no node {', '.join(sorted(unknown))}: name in nodes_to_exclude some of its own, such as "
            f"{next(node.name for node in model.graph.node if node.op_type in OPERATORS)}"
        )
    width, height = (int(side) for side in described["input_size"].split(","))
    if calibration.dtype != np.uint8 or calibration.shape[1:] != (height, width, 3) or len(calibration) == 0:
        raise QuantizeError(
            f"{onnx_fp32.name} wants calibration cards uint8 N×{height}×{width}×3, not "
            f"{calibration.dtype} {'×'.join(map(str, calibration.shape))}: rebuild the calibration set for this input size"
        )


def _head_nodes(path: Path) -> list[str]:
    gemms = [node.name for node in onnx.load(str(path)).graph.node if node.op_type == "Gemm"]
    return gemms[-1:]


class _Cards:
    """Calibration cards in the form the quantizer asks for: one small batch a call, then None."""

    AT_ONCE = 8

    def __init__(self, graph: Path, cards: np.ndarray):
        name = onnx.load(str(graph)).graph.input[0].name
        self.batches: Iterator[dict[str, np.ndarray]] = (
            {name: np.ascontiguousarray(cards[at : at + self.AT_ONCE])} for at in range(0, len(cards), self.AT_ONCE)
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.batches, None)


def fidelity(fp32: Path, int8: Path, images: np.ndarray) -> Agreement:
    """How closely an INT8 model follows its FP32 one on cards uint8 N×H×W×3, in the arithmetic of the edge's ARM cores."""
    return agreement(onnx_graph.embed(fp32, images), onnx_graph.embed(int8, images))


def milliseconds(path: Path, images: np.ndarray) -> float:
    """Median wall time to embed one card on one thread, in ms, over the images N×H×W×3 one by one after a first that warms up."""
    running = onnx_graph.session(path, 1)
    name = running.get_inputs()[0].name
    running.run(None, {name: images[:1]})
    times = []
    for at in range(len(images)):
        start = time.perf_counter()
        running.run(None, {name: images[at : at + 1]})
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Quantise the student of a job and compare it with FP32; returns and writes ``quantize.json``.

    ``onnx``: the FP32 graph; ``calibration`` and ``check``: .npy of cards uint8 N×H×W×3 (without ``check``, the first
    calibration cards); ``out``: a folder; ``settings``: fields of :class:`QuantizeSettings`. Raises :class:`QuantizeError`.
    """
    settings = QuantizeSettings.from_json(job.get("settings", {}))
    fp32, out = Path(job["onnx"]), Path(job["out"])
    out.mkdir(parents=True, exist_ok=True)
    calibration = np.load(job["calibration"], mmap_mode="r")
    images = np.load(job["check"], mmap_mode="r") if "check" in job else calibration[:CHECKED]
    int8 = quantize(fp32, calibration, out / STUDENT_INT8, settings)
    found = fidelity(fp32, int8, images)
    print(f"cosine to FP32: mean {found.mean:.4f}, least {found.minimum:.4f}", flush=True)
    if found.mean < settings.float_head_below and not settings.head_in_float:
        settings = replace(settings, head_in_float=True)
        found = fidelity(fp32, quantize(fp32, calibration, int8, settings), images)
        print(f"with the head in float: mean {found.mean:.4f}, least {found.minimum:.4f}", flush=True)
    if not found.mean >= settings.minimum_cosine:
        raise QuantizeError(
            f"the INT8 student's mean cosine to FP32 is {found.mean:.4f}, below {settings.minimum_cosine}: calibrate with "
            "more cards, or name the worst layers in nodes_to_exclude"
        )
    for path in (fp32, int8):
        print(f"{path.name}: {milliseconds(path, images[:8]):.1f} ms a card on one thread", flush=True)
    result = {
        "digest": onnx_graph.graph_digest(int8),
        "fidelity": found.as_json(),
        "settings": asdict(settings),
        "bytes": {"fp32": fp32.stat().st_size, "int8": int8.stat().st_size},
        "calibration_used": min(len(calibration), settings.calibration_count),
    }
    (out / "quantize.json").write_text(json.dumps(result, indent=1, sort_keys=True))
    return result


if __name__ == "__main__":
    try:
        run(job_file.read("pcr_assets.learning.quantize", __doc__, sys.argv[1:]))
    except (QuantizeError, OSError) as error:
        sys.exit(str(error))
