"""The settings of the student in 8 bits. ONNX is not imported here: a plan checks all settings, and quantises nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from pydantic import Field

Cosine = Annotated[float, Field(ge=-1, le=1)]


class QuantizeError(RuntimeError):
    """A graph or calibration set that can't be quantised, or an INT8 model too far from its FP32 one."""


@dataclass(frozen=True)
class QuantizeSettings:
    """How to quantise.

    ``nodes_to_exclude``: names of graph nodes that stay in float. ``head_in_float``: leave the last Gemm in float; done anyway
    when the mean cosine to FP32 is below ``float_head_below``.
    ``minimum_cosine``: least mean cosine to FP32 that is accepted at all.
    """

    calibration_count: Annotated[int, Field(ge=1)] = 1024
    per_channel: bool = True
    reduce_range: bool = False
    activation: Literal["QUInt8", "QInt8"] = "QUInt8"
    weights: Literal["QUInt8", "QInt8"] = "QInt8"
    nodes_to_exclude: tuple[str, ...] = ()
    head_in_float: bool = False
    float_head_below: Cosine = 0.99
    minimum_cosine: Cosine = 0.95

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "QuantizeSettings":
        """Settings from a JSON value; what it leaves out has its default. Raises :class:`QuantizeError`."""
        unknown = set(value) - {entry.name for entry in fields(cls)}
        if unknown:
            raise QuantizeError(f"quantization has no setting {', '.join(sorted(unknown))}")
        return cls(**{**value, "nodes_to_exclude": tuple(value.get("nodes_to_exclude", ()))})
