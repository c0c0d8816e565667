"""Checkpoints of a training run: tensors in safetensors, numbers in JSON, the optimizer's state in a file of its own.

A checkpoint is written beside its place and renamed, so a run that is killed at any moment leaves a whole one. It also says
how large its files are: one that was copied elsewhere file by file, and only in part, is told from a whole one.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

NUMBERS = "progress.json"


def save(
    folder: Path,
    step: int,
    parts: Mapping[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    run: Mapping[str, Any],
    keep: int = 1,
) -> None:
    """Write ``folder/step-N`` and remove all but the newest ``keep``. ``run`` is any JSON, e.g. the curves so far."""
    writing = folder / "writing"
    shutil.rmtree(writing, ignore_errors=True)
    writing.mkdir(parents=True)
    for name, module in parts.items():
        save_tensors(module.state_dict(), writing / f"{name}.safetensors")
    save_tensors(_flat(optimizer), writing / "optimizer.safetensors")
    sizes = {file.name: file.stat().st_size for file in writing.iterdir()}
    (writing / NUMBERS).write_text(json.dumps({"step": step, "sizes": sizes, **run}))
    place = folder / f"step-{step:08d}"
    shutil.rmtree(place, ignore_errors=True)  # one that is not whole
    writing.rename(place)
    for old in sorted(folder.glob("step-*"))[:-keep]:
        shutil.rmtree(old)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's folder, its step, and what :func:`save` was told of the run."""

    folder: Path
    step: int
    run: dict[str, Any]


def newest(folder: Path) -> Checkpoint | None:
    """The newest whole checkpoint of a run, or None."""
    for place in sorted(folder.glob("step-*"), reverse=True):
        try:
            run = json.loads((place / NUMBERS).read_text())
            whole = all((place / file).stat().st_size == size for file, size in run.get("sizes", {}).items())
        except (OSError, ValueError):
            continue
        if whole:
            return Checkpoint(place, run["step"], run)
    return None


def restore(place: Path, parts: Mapping[str, nn.Module]) -> None:
    """Load the modules' tensors, in place. A module without any, such as the loss of stage 1, needs no file."""
    for name, module in parts.items():
        if module.state_dict():
            module.load_state_dict(load_file(place / f"{name}.safetensors"))


def moments(place: Path) -> dict[str, Tensor]:
    """The optimizer's moments, as :func:`set_moments` takes them."""
    return load_file(place / "optimizer.safetensors")


def set_moments(optimizer: torch.optim.Optimizer, held: Mapping[str, Tensor]) -> None:
    """Set the optimizer's moments, each in the memory layout of its parameter: fused steps rely on that."""
    learning = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in held.items():
        index, _, moment = name.partition(".")
        parameter = learning[int(index)]
        laid_out = torch.empty_like(parameter).copy_(tensor) if tensor.shape == parameter.shape else tensor
        state.setdefault(int(index), {})[moment] = laid_out.detach()
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors as safetensors, contiguous and on the CPU, in one step. Equal tensors give equal bytes."""
    writing = path.with_suffix(".writing")
    metadata: dict[str, str] | None = {} if tensors else None  # for no tensors and {} it writes what it can't read
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, writing, metadata)
    writing.rename(path)


def load_tensors(path: Path) -> dict[str, Tensor] | None:
    """The tensors of a file that :func:`save_tensors` wrote, or None when there is none that reads."""
    try:
        return load_file(path)
    except (OSError, SafetensorError):
        return None


def _flat(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": tensor for index, moments in state.items() for name, tensor in moments.items()}
