"""Weights as content: their digest, without torch."""

from pathlib import Path

from safetensors.numpy import load_file

from pcr_assets import digests


def tensor_digest(path: Path) -> str:
    """The digest of the tensors of a safetensors file: names, dtypes, shapes and values, not the file's bytes."""
    return digests.of_arrays(load_file(path))
