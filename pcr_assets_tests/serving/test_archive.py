"""model.tar.gz: what SageMaker's PyTorch container gets, unpacked and called as that container calls it."""

import json
import re
import subprocess
import sys
import tarfile
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from edge_runtime.embedder import OnnxEmbedder
from edge_runtime.geometry import full_frame, rectify
from edge_runtime.photo import load_photo
from pcr_assets.serving import archive
from pcr_assets_tests.small_model import small_model
from pcr_assets_tests.small_student import painted_cards

CONTAINER = """
import sys
from inspect import signature

def called(function, *given):
    more = len(signature(function).parameters) - len(given)
    return function(*given, *["the context"] * more)

sys.path.insert(0, sys.argv[1] + "/code")
import inference, edge_runtime
assert edge_runtime.__file__.startswith(sys.argv[1]), edge_runtime.__file__
model = called(inference.model_fn, sys.argv[1])
picture = called(inference.input_fn, bytearray(open(sys.argv[2], "rb").read()), None)
print(called(inference.output_fn, called(inference.predict_fn, picture, model), "application/json")[0])
sys.exit(sorted(name for name in sys.modules if name.split(".")[0] in ("torch", "dagster", "pcr_assets", "starlette")) or 0)
"""
"""As the container's toolkit does (``Transformer`` of sagemaker-inference 1.10.1): the folder ``code`` comes first among the places
that modules are looked for in, a function with one parameter more than there is to give gets the context, and a request may say no
type."""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return small_model(tmp_path_factory.mktemp("model") / "student.onnx")


@pytest.fixture(scope="module")
def packed(model, tmp_path_factory):
    file = tmp_path_factory.mktemp("packed") / archive.ARCHIVE
    archive.write(file, model, {"model": "efficientnet-student-stage2", "version": "v1.0"})
    return file


@pytest.fixture(scope="module")
def unpacked(packed):
    folder = packed.parent / "model"
    with tarfile.open(packed) as tar:
        for member in tar:  # Debian's Python 3.11 knows no filters for extractall
            (folder / member.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / member.name).write_bytes(tar.extractfile(member).read())
    return folder


def test_the_same_content_gives_the_same_bytes(packed, model, tmp_path):
    archive.write(tmp_path / "again", model, {"version": "v1.0", "model": "efficientnet-student-stage2"})
    assert (tmp_path / "again").read_bytes() == packed.read_bytes()


def test_it_holds_the_model_its_code_and_nothing_of_this_machine(packed):
    with tarfile.open(packed) as tar:
        entries = tar.getmembers()
    assert {"model.onnx", "model.json", "code/inference.py", "code/requirements.txt"} <= {each.name for each in entries}
    assert {(each.mtime, each.uid, each.gid, each.uname, each.gname) for each in entries} == {(0, 0, 0, "", "")}
    assert all(each.isfile() for each in entries)


def test_the_code_in_it_answers_like_the_projects_own_embedder_and_needs_nothing_else(unpacked, model, tmp_path):
    (card,) = painted_cards(1, seed=3, size=(128, 192))
    photo = tmp_path / "card.jpg"
    Image.fromarray(card).save(photo, quality=92)
    done = subprocess.run(
        [sys.executable, "-c", CONTAINER, str(unpacked), str(photo)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    own, picture = OnnxEmbedder(model), load_photo(photo)
    expected = own.embed(rectify(picture, full_frame(128, 192), own.input_size)[None])
    np.testing.assert_allclose(json.loads(done.stdout)["embeddings"], expected, atol=1e-6)


def test_a_refusal_keeps_its_status_in_the_containers_own_error(unpacked, tmp_path):
    """``sagemaker_inference`` is there in the container alone: this double has the one class that is used of it."""
    (tmp_path / "sagemaker_inference").mkdir()
    (tmp_path / "sagemaker_inference/__init__.py").touch()
    (tmp_path / "sagemaker_inference/errors.py").write_text(
        "class GenericInferenceToolkitError(Exception):\n"
        "    def __init__(self, status_code, message=None, phrase=None):\n"
        "        self.status_code, self.message = status_code, message\n"
    )
    asked = (
        f"import sys; sys.path[:0] = [{str(unpacked / 'code')!r}, {str(tmp_path)!r}]\n"
        "import inference\n"
        "from sagemaker_inference.errors import GenericInferenceToolkitError\n"
        "for body, kind in ((b'no picture', 'image/jpeg'), (b'{}', 'application/json')):\n"
        "    try: inference.input_fn(body, kind)\n"
        "    except GenericInferenceToolkitError as error: print(error.status_code, error.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first.startswith("422 the upload is no picture")
    assert second.startswith("415 a body of type application/json is not taken")


def test_what_the_container_installs_are_edge_runtimes_own_ranges(unpacked):
    lines = (unpacked / "code/requirements.txt").read_text().splitlines()
    assert [re.match(r"[\w-]+", line)[0] for line in lines] == list(archive.NEEDED)


def test_an_archive_whose_model_was_damaged_is_refused(packed, tmp_path):
    data = bytearray(packed.read_bytes())
    data[-5000] ^= 1
    (tmp_path / "model.tar.gz").write_bytes(data)
    with pytest.raises(ValueError, match=r"model\.tar\.gz is no archive with a model\.onnx"):
        archive.unpack(tmp_path / "model.tar.gz", tmp_path)


def test_only_the_model_is_taken_out_of_an_archive(packed, model, tmp_path):
    assert archive.unpack(packed, tmp_path).read_bytes() == model.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize("content", [b"", b"no archive", BytesIO(b"\x1f\x8b" + b"\0" * 40).getvalue()])
def test_a_file_that_is_no_archive_is_named(content, tmp_path):
    (tmp_path / "model.tar.gz").write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.tar\.gz is no archive with a model\.onnx"):
        archive.unpack(tmp_path / "model.tar.gz", tmp_path)
