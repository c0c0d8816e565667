"""A torch module as an ONNX graph, by torch's legacy exporter.

It writes IR version 8, the newest that the Hailo compiler reads (3.28 logs "max supported IR version: 8"), and constant shapes
where the new one writes operators.
"""

import io
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

OPSET = 17


def to_onnx(
    module: nn.Module, example: Tensor, target: Path | io.BytesIO, takes: str, gives: str, free: dict[int, str]
) -> None:
    """Write the graph of what a module does with an ``example``: from the tensor ``takes`` to the tensor ``gives``.

    ``free``: the axes of its input that may have any length, by number, with their names; the first is that of the output too.
    """
    axes = {takes: free, gives: {0: free[0]}} if free else None
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the legacy exporter announces its own retirement
        torch.onnx.export(
            module.eval(),
            (example,),
            target,  # type: ignore[arg-type]  # a file object is taken, the annotation forgot it
            dynamo=False,
            opset_version=OPSET,
            input_names=[takes],
            output_names=[gives],
            dynamic_axes=axes,
        )
