"""Digests of content: what an asset's data version is made of.

A digest here is the SHA-256, in hex, of a canonical form. Two artifacts that mean the same have the same digest, however
their files were written; so a rebuild to the same content is recognised and stops the wave of stale assets.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def of_bytes(data: bytes) -> str:
    """The SHA-256 of some bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
"""Made once: each set has digests of its own, and `json.dumps` would make an encoder for each."""


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: the same value gives the same bytes. NaN and infinity are refused."""
    return _CANONICAL.encode(value).encode()


def of_json(value: Any) -> str:
    """The digest of a JSON value's canonical form."""
    return of_bytes(canonical_json(value))


@dataclass(frozen=True)
class Pieces:
    """An array that is too large to hold twice: its dtype, its shape, and its rows a few at a time."""

    dtype: "np.dtype"
    shape: tuple[int, ...]
    rows: "Iterable[np.ndarray]"


def of_arrays(arrays: "Mapping[str, np.ndarray | Pieces]") -> str:
    """The digest of named arrays: names, dtypes, shapes and bytes, in the order of their names.

    An array in pieces has the digest that it has as a whole.
    """
    import numpy as np  # Dagster's processes load the definitions, and with them this module, and digest no array

    digest = hashlib.sha256()
    for name in sorted(arrays):
        given = arrays[name]
        array = given if isinstance(given, Pieces) else np.ascontiguousarray(given)
        digest.update(canonical_json([name, array.dtype.str, list(array.shape)]))
        for piece in array.rows if isinstance(array, Pieces) else [array]:
            digest.update(np.ascontiguousarray(piece).data)
    return digest.hexdigest()
