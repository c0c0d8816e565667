"""Manifests, pointers, lists of parts and proofs of any content: each is read, or refused with one sentence.

What is signed may still be wrong, and proofs and pointers are read before anything is verified. The examples are always the
same (``derandomize``), and what once failed stands beside them.
"""

import copy
import hashlib
import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edge_runtime.releases.parts import File, Part, files_of, parts_of
from edge_runtime.releases.proof import verified_proof
from edge_runtime.releases.refusals import ReleaseError
from edge_runtime.releases.release import described, manifest_of, open_release, read_pointer

BOUNDED = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
ODD = ["", ".", "..", "a/b", "\0", "\ud800", "é" * 300, 0, -1, 1 << 70, 1e308, float("inf"), float("nan"), True, None]
values = st.recursive(
    st.sampled_from(ODD) | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places_of(value, path=()):
    """The paths to everything in a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places_of(each, (*path, key))


@st.composite
def changed(draw, value):
    """The value with up to three of its places changed, renamed or gone."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places_of(value))))
        if not path:
            continue
        parent = value
        for key in path[:-1]:
            parent = parent[key]
        match draw(st.sampled_from(["set", "set", "remove", "rename"])):
            case "set":
                parent[path[-1]] = draw(values)
            case "remove":
                del parent[path[-1]]
            case "rename" if isinstance(parent, dict):
                parent[draw(st.text(max_size=8) | st.sampled_from([each for each in ODD if isinstance(each, str)]))] = (
                    parent.pop(path[-1])
                )
    return value


def refused_or(read):
    """What reading gives; None where it was refused."""
    try:
        return read()
    except ReleaseError:
        return None


def test_a_signed_manifest_is_opened_or_refused_whatever_it_says(publisher):
    folder, as_made = publisher.folder, publisher.manifest
    bad_size = copy.deepcopy(as_made)
    bad_size["variants"]["fp32"]["input_size"] = [float("inf"), 1]
    bad_name = {**as_made, "files": {**as_made["files"], "\0": {"sha256": "0", "size": 0}}}

    @BOUNDED
    @given(changed(as_made))
    @example(bad_size)
    @example(bad_name)
    def opened(manifest):
        data = json.dumps(manifest).encode()
        refused_or(lambda: files_of(manifest_of(data, str(folder)), str(folder)))
        if refused_or(lambda: described(folder, manifest_of(data, str(folder)))) is not None:
            publisher.publish(folder, manifest)
            refused_or(lambda: open_release(folder, publisher.trusted))

    opened()


@BOUNDED
@given(st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
@example(b"[" * 100_000)
@example(b'{"schema": [6]}')
def test_bytes_of_any_kind_are_no_manifest_and_no_pointer(data):
    for read in (manifest_of, read_pointer):
        refused_or(lambda read=read: read(data, "here"))


@BOUNDED
@given(rows=values)
@example(rows=[["0" * 64, 3, 3]])
@example(rows={"sha256": 1})
def test_a_list_of_parts_is_read_or_refused(tmp_path, rows):
    data = json.dumps(rows).encode()
    listed = Part(hashlib.sha256(data).hexdigest(), len(data))
    (tmp_path / listed.sha256).write_bytes(data)
    refused_or(lambda: parts_of(File("a", Part("0" * 64, 3), listed), tmp_path))


def test_a_proof_is_believed_or_refused(publisher):
    manifest = (publisher.folder / "manifest.json").read_bytes()
    proof = json.loads((publisher.folder / "proof.json").read_bytes())

    @BOUNDED
    @given(changed(proof))
    @example([])
    def read(said):
        refused_or(lambda: verified_proof(json.dumps(said).encode(), manifest, "here", publisher.trusted, "root.json"))

    read()


@pytest.mark.parametrize("kind", [b"", b"{", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_proof_are_refused(publisher, kind):
    with pytest.raises(ReleaseError):
        verified_proof(kind, b"{}", "here", publisher.trusted, "root.json")
