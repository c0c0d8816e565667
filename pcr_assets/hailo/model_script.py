"""The model script (.alls): what the compiler is told beyond the graph. Generated, so nobody types a mean twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from pcr_assets.settings import AtLeast1

RECOMMENDED_CALIBRATION = 1024  # with fewer cards the compiler lowers the optimization level by itself


@dataclass(frozen=True)
class HailoSettings:
    """How to compile.

    ``hw_arch``: ``hailo8l`` runs on Hailo-8L and Hailo-8, ``hailo8`` on Hailo-8 alone. ``optimization_level`` 0..4: from 2 on
    the compiler wants a GPU and 1024 cards, and without them lowers the level in silence; that is an error here unless
    ``allow_lower_level``. ``finetune``: let it train against the float model; it does not always help. A model split in
    several contexts runs at a fifth of the frames (EfficientNet-Lite0 on Hailo-8L: 1057 against 215 a second, Hailo
    Model Zoo 2.18 and 2.17); an error unless ``allow_several_contexts``.
    """

    hw_arch: str = "hailo8l"
    optimization_level: Annotated[int, Field(ge=0, le=4)] = 2
    calibration_count: AtLeast1 = RECOMMENDED_CALIBRATION
    finetune: bool = False
    allow_lower_level: bool = False
    allow_several_contexts: bool = False


def model_script(mean: Sequence[float], std: Sequence[float], settings: HailoSettings) -> str:
    """The script's lines. Normalisation runs on the device, so that calibration and the edge feed the same raw pixels.

    ``mean`` and ``std``: three channels RGB in units of 0..255. The commands are those of Hailo's own script for
    EfficientNet-Lite0 (hailo_model_zoo v2.18, cfg/alls/generic/efficientnet_lite0.alls).
    """
    policy = "enabled" if settings.finetune else "disabled"
    lines = [
        f"normalization1 = normalization({_numbers(mean)}, {_numbers(std)})",
        "quantization_param({conv*}, bias_mode=double_scale_initialization)",
        f"model_optimization_config(calibration, batch_size=8, calibset_size={settings.calibration_count})",
        f"model_optimization_flavor(optimization_level={settings.optimization_level})",
        "post_quantization_optimization(bias_correction, policy=enabled)",
        f"post_quantization_optimization(finetune, policy={policy})",
        "performance_param(compiler_optimization_level=max)",
    ]
    return "\n".join(lines) + "\n"


def _numbers(values: Sequence[float]) -> str:
    return "[" + ", ".join(f"{float(value)!r}" for value in values) + "]"
