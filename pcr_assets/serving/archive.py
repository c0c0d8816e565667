"""``model.tar.gz``: a model as ONNX, and the code that answers with it in SageMaker's PyTorch containers.

The code is edge_runtime's own: of its modules those that cut a card out, embed it, and speak the container's interface.
The same content gives the same bytes: no time, no owner, one order.
"""

import gzip
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from importlib.metadata import requires
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from pcr_assets import digests, packages

ARCHIVE = "model.tar.gz"
MODEL = "model.onnx"
MODULES = (
    "__init__.py",
    "embedder.py",
    "geometry.py",
    "inference/__init__.py",
    "inference/handlers.py",
    "photo.py",
    "picture_file.py",
    "timing.py",
)
"""What ``inference/handlers.py`` imports, itself included: a test imports it from an archive alone."""
NEEDED = ("numpy", "onnxruntime", "opencv-python-headless", "pillow")
ENTRY = '''"""What SageMaker's PyTorch container calls. A refusal keeps its status where the container's toolkit is there."""

from edge_runtime.inference import handlers
from edge_runtime.inference.handlers import predict_fn

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]


# The toolkit counts parameters: to a function that takes one more than there is to give, optional or not, it hands its context.
def model_fn(model_dir):
    return handlers.model_fn(model_dir)


def _answered(handler, *given):
    try:
        return handler(*given)
    except handlers.Refused as refused:
        try:
            from sagemaker_inference.errors import GenericInferenceToolkitError
        except ImportError:
            raise refused from None
        raise GenericInferenceToolkitError(refused.status, str(refused)) from refused


def input_fn(body, content_type):
    return _answered(handlers.input_fn, body, content_type)


def output_fn(vectors, accept):
    return _answered(handlers.output_fn, vectors, accept)
'''


def code() -> dict[str, bytes]:
    """The folder ``code`` of every archive: names and bytes."""
    found = {f"code/edge_runtime/{name}": (packages.EDGE_RUNTIME / name).read_bytes() for name in MODULES}
    return {**found, "code/inference.py": ENTRY.encode(), "code/requirements.txt": _requirements()}


def contents_digest(model_digest: str, graph_digest: str) -> str:
    """The digest of an archive's content: the model's, that of what its graph came from, and that of the code beside it."""
    return digests.of_json(
        [model_digest, graph_digest, {name: digests.of_bytes(data) for name, data in code().items()}]
    )


def write(archive: Path, model: Path, about: Mapping[str, Any]) -> None:
    """Write an archive of a model file that takes uint8 cards. ``about`` goes into ``model.json``; it must hold no time."""
    small = {**code(), "model.json": json.dumps(about, indent=1, sort_keys=True).encode()}
    with (
        archive.open("wb") as file,
        # Weights hardly shrink: the fastest level takes a tenth of the time.
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in sorted(small):
            tar.addfile(_entry(name, len(small[name])), BytesIO(small[name]))
        with model.open("rb") as content:
            tar.addfile(_entry(MODEL, model.stat().st_size), content)


def unpack(archive: Path, folder: Path) -> Path:
    """Take the model out of an archive, and nothing else; gives its file. Raises ValueError for a file that is none, or damaged."""
    try:
        with gzip.open(archive) as packed, tarfile.open(fileobj=packed, mode="r:") as tar:
            content = tar.extractfile(MODEL)
            if content is None:
                raise KeyError(MODEL)
            with content, (folder / MODEL).open("wb") as file:
                for piece in _pieces(content):
                    file.write(piece)
            for _ in _pieces(packed):  # the digest of all stands at the end, and is compared there
                pass
    except (tarfile.TarError, KeyError, EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"{archive} is no archive with a {MODEL} ({error}): name one that `model_packages` made"
        ) from error
    return folder / MODEL


def _pieces(content: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while piece := content.read(1 << 20):
        yield piece


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


def _requirements() -> bytes:
    """What edge_runtime asks for, of what the handlers use: the ranges stand in its own metadata."""
    asked = [each for each in requires("edge-runtime") or [] if "extra ==" not in each]
    named = {name: next(each for each in asked if each.startswith(name)) for name in NEEDED}
    return "".join(f"{named[name]}\n" for name in NEEDED).encode()
