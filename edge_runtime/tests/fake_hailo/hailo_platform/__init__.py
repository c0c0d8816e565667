"""A strict double of HailoRT's Python package, for tests without a chip.

It refuses what the real one refuses: arguments that ../hailort_contract.json does not list, buffers of another size or not
contiguous, jobs that no queue takes, a HEF for another chip, a second virtual device, a device that is gone. Its numbers are
real: what it calls a HEF holds an ONNX model, which ONNX Runtime computes. Tests change its chip by ``hailo_platform.board``.
"""

from hailo_platform.pyhailort._pyhailort import board
from hailo_platform.pyhailort.contract import CONTRACT
from hailo_platform.pyhailort.pyhailort import (
    Device,
    FormatType,
    HailoRTException,
    HailoSchedulingAlgorithm,
    VDevice,
)

__version__ = CONTRACT["version"]
__all__ = ["Device", "FormatType", "HailoRTException", "HailoSchedulingAlgorithm", "VDevice", "board"]
