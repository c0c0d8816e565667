"""Importing timm where torchvision's compiled operators cannot load.

timm needs torchvision, for its image transforms only. The torchvision of the package index is built against CUDA; beside
a CPU build of torch its library does not load, and the import stops at the first operator it wants to describe
("operator torchvision::nms does not exist"). We declare those operators, without an implementation: nothing here
detects boxes.
"""

from types import ModuleType

import torch

UNBUILT_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[torch.library.Library] = []  # a library's operators live as long as it does


def import_timm() -> ModuleType:
    """The timm package. Raises ImportError where timm or torchvision is not installed."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        _declare_operators()
    import timm

    return timm


def _declare_operators() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in UNBUILT_OPERATORS:
        library.define(schema)
    _declared.append(library)
