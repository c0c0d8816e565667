"""The release bundle, as the edge pulls and opens it; and what a second release costs."""

import json
import random
from pathlib import Path

import pytest

from edge_runtime.judging.decide import Calibration
from edge_runtime.releases import release as edge
from edge_runtime.releases.pull import pull
from edge_runtime.releases.refusals import Damaged
from pcr_assets import layout
from pcr_assets.gallery import bundle, parts
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import FolderStore
from pcr_assets.trust.channels import initialised, publish_release
from pcr_assets.trust.settings import TrustSettings

CALIBRATION = Calibration((0.0,) * 3, (0.0,) * 5, accept=0.5, sure=0.9, twin_margin=0.0, twin_lead=0.1)
INDEX = random.Random(0).randbytes(200_000)


@pytest.fixture
def artifacts(tmp_path):
    return Artifacts(FolderStore(str(tmp_path / "store")))


def bundled(artifacts: Artifacts, model: bytes, index: bytes):
    """A variant, and the files of a bundle by their name in it."""
    contents = {"student.onnx": model, "a.usearch": index}
    contents |= {name: name.encode() for name in ("catalogue.csv", "report.json", "references-base1.zip")}
    made = artifacts.publish("made", contents, digest=bundle.digests.of_json([model.hex(), index.hex()])).files
    variant = bundle.Variant("onnx", made["student.onnx"], made["a.usearch"], (160, 224), 768, CALIBRATION.as_json())
    shared = {name: made[name] for name in ("catalogue.csv", "report.json", "references-base1.zip")}
    return variant, bundle.bundle_files({"int8": variant}, shared)


def publish(artifacts: Artifacts, model: bytes = b"model", index: bytes = INDEX, before=None):
    """Publish a release; gives its id, its parts and its manifest."""
    store, trust = artifacts.store, TrustSettings()
    variant, files = bundled(artifacts, model, index)
    written = parts.Parts.after(store, before) if before else parts.Parts(store)
    manifest, digest = bundle.manifest(
        {"int8": variant},
        written.publish(files, artifacts.fetch_file),
        references=["references-base1.zip"],
        default_variant="int8",
        made_from={"card_index": "1"},
        teacher_license="Apache-2.0",
    )
    store.write(f"{layout.RELEASES}/{digest[:16]}/manifest.json", manifest)
    repository, keys = initialised(store, [Path(store.root, "keys")], trust.days, may_make=True)
    publish_release(repository, keys, trust, digest[:16], manifest)
    return digest[:16], written, json.loads(manifest)


def test_the_same_files_make_the_same_release(artifacts):
    first, _, manifest = publish(artifacts)
    assert publish(artifacts)[0] == publish(artifacts, before=manifest)[0] == first


def test_another_model_makes_another_release(artifacts):
    assert publish(artifacts)[0] != publish(artifacts, b"other")[0]


@pytest.mark.parametrize("network", ["outline_filter", "printing_verifier"])
def test_a_small_network_among_the_files_is_named_in_the_manifest(artifacts, network):
    variant, files = bundled(artifacts, b"model", INDEX)
    files[f"{network}.onnx"] = files["catalogue.csv"]
    manifest, _ = bundle.manifest(
        {"int8": variant},
        parts.Parts(artifacts.store).publish(files, artifacts.fetch_file),
        references=["references-base1.zip"],
        default_variant="int8",
        made_from={},
        teacher_license="Apache-2.0",
    )
    said = json.loads(manifest)
    assert said[network] in said["files"]


def test_the_edge_opens_what_the_pipeline_signed(tmp_path, artifacts):
    release_id, *_ = publish(artifacts)
    roots = [artifacts.store.read(f"{layout.RELEASES}/root.json")]
    untried = {"check": lambda folder: None}  # what stands for a model here is none
    pulled = pull(Path(artifacts.store.root, layout.RELEASES), tmp_path / "device", roots, **untried)

    opened = edge.open_release(pulled.folder, roots)

    assert opened.release_id == release_id
    assert opened.variant().calibration == CALIBRATION
    assert opened.variant().index.read_bytes() == INDEX
    assert [path.name for path in opened.references] == ["references-base1.zip"]
    assert (opened.outline_filter, opened.printing_verifier) == (None, None)
    (pulled.folder / "int8.onnx").write_bytes(b"evil!")
    with pytest.raises(Damaged, match=r"int8\.onnx"):
        edge.open_release(pulled.folder, roots)


def test_a_few_changed_bytes_cost_a_few_parts(artifacts):
    _, first, manifest = publish(artifacts)
    changed = INDEX[:100_000] + b"a new row" + INDEX[100_000:]
    _, second, _ = publish(artifacts, index=changed, before=manifest)
    assert first.written > len(INDEX)
    assert 0 < second.written < len(INDEX) / 2


def test_files_that_stayed_are_not_even_read(artifacts):
    *_, manifest = publish(artifacts)
    _, files = bundled(artifacts, b"model", INDEX)
    asked = []
    entries = parts.Parts.after(artifacts.store, manifest).publish(files, asked.append)
    assert asked == []
    assert entries == manifest["files"]


def test_a_lost_list_is_written_again(artifacts):
    *_, manifest = publish(artifacts)
    lost = Path(artifacts.store.root, parts.part_key(manifest["files"]["int8.usearch"]["parts"]["sha256"]))
    lost.unlink()
    publish(artifacts, before=manifest)
    assert lost.exists()


def pieces_of(name, data, folder):
    (folder / "a file").write_bytes(data)
    return list(parts.cut(name, folder / "a file"))


def test_the_pieces_of_a_file_are_the_file(tmp_path):
    assert b"".join(pieces_of("a.usearch", INDEX, tmp_path)) == INDEX
    assert len(pieces_of("a.usearch", INDEX, tmp_path)) > 4
    assert pieces_of("a.onnx", INDEX, tmp_path) == [INDEX]
    assert pieces_of("empty.csv", b"", tmp_path) == [b""]


def test_of_a_large_file_only_a_few_pieces_are_held_at_a_time(artifacts, tmp_path, monkeypatch):
    """The index of a million scans has 1.7 GB: it was in memory twice, as a whole and in pieces."""
    held, written, write = [], [], artifacts.store.write

    def counted(key, data):
        write(key, data)
        written.extend([key] if key.startswith(f"{layout.PARTS}/") else [])

    def cut(name, path):
        for number in range(200):
            yield b"%d" % number
            held.append(number - len(written))

    monkeypatch.setattr(parts, "cut", cut)
    monkeypatch.setattr(artifacts.store, "write", counted)
    _, files = bundled(Artifacts(FolderStore(str(tmp_path / "made"))), b"model", INDEX)
    parts.Parts(artifacts.store).publish({"int8.usearch": files["int8.usearch"]}, lambda file: tmp_path)
    assert len(written) == 201, "the pieces, and the list of them"
    assert max(held) <= 3 * parts.AT_ONCE


MODELS = {"fp32": "m1", "int8": "m2"}
EMBEDDED = {
    "fp32": {"model": "m1", "made_by": "student", "sets": {"base1": {"digest": "v1"}}},
    "int8": {"model": "m2", "made_by": "quantised", "sets": {"base1": {"digest": "v2"}, "neo1": {"digest": "v3"}}},
}
INDEXED = {"fp32": {"sets": {"base1": "v1"}}, "int8": {"sets": {"base1": "v2", "neo1": "v3"}}}
NETWORKS = {"outline filter": "f1"}
ASKED_OF = {"the fp32 model": "student", "the int8 model": "quantised", "the outline filter": "f1", "the photos": "p"}


@pytest.mark.parametrize(
    ("newer", "told"),
    [
        ({}, []),
        ({"models": {**MODELS, "int8": "m3"}}, ["the int8 embeddings are of another model than the one that is here"]),
        (
            {"indexed": {**INDEXED, "int8": {"sets": {"base1": "v2"}}}},
            ["the int8 index holds other embeddings than those that are here"],
        ),
        (
            {"indexed": {**INDEXED, "fp32": {"sets": {"base1": "v0"}}}},
            ["the fp32 index holds other embeddings than those that are here"],
        ),
        ({"asked_of": {**ASKED_OF, "the fp32 model": "last"}}, ["the report judged another fp32 model"]),
        ({"networks": {"outline filter": "f2"}}, ["the report judged with another outline filter"]),
        ({"networks": {"outline filter": "f2"}, "asked_of": None}, []),
        (
            {"models": {**MODELS, "fp32": "m3"}, "asked_of": {**ASKED_OF, "the int8 model": "last"}},
            [
                "the fp32 embeddings are of another model than the one that is here",
                "the report judged another int8 model",
            ],
        ),
    ],
)
def test_what_does_not_belong_together_is_named_and_nothing_else_is(newer, told):
    held = {"models": MODELS, "networks": NETWORKS, "embedded": EMBEDDED, "indexed": INDEXED, "asked_of": ASKED_OF}
    assert bundle.mismatches(**{**held, **newer}) == told


def test_a_list_of_parts_that_is_not_what_was_published_counts_as_lost_and_is_written_again(artifacts):
    """Else the parts that it names were taken for those of the file."""
    *_, manifest = publish(artifacts)
    entry = manifest["files"]["int8.usearch"]
    others = Path(artifacts.store.root, parts.part_key(entry["parts"]["sha256"]))
    others.write_bytes(others.read_bytes() + b" ")
    with pytest.raises(ValueError, match="is not the list that was published"):
        parts.named(artifacts.store, entry)
    *_, again = publish(artifacts, before=manifest)
    assert again["files"] == manifest["files"]
    assert parts.named(artifacts.store, entry)[0] == entry["parts"]["sha256"]


def test_a_file_of_one_part_is_that_part_and_one_of_several_its_list_and_all_of_them(artifacts, tmp_path):
    _, written, manifest = publish(artifacts)
    whole, cut = manifest["files"]["int8.onnx"], manifest["files"]["int8.usearch"]
    assert parts.named(artifacts.store, whole) == [whole["sha256"]]
    pieces = [parts.digests.of_bytes(piece) for piece in pieces_of("int8.usearch", INDEX, tmp_path)]
    assert parts.named(artifacts.store, cut) == [cut["parts"]["sha256"], *pieces]
    assert {*parts.named(artifacts.store, cut), whole["sha256"]} <= written.present


def test_pictures_of_other_cards_than_the_embeddings_are_named_and_what_is_of_the_same_earlier_cards_is_not():
    assert bundle.pictured_apart({"base1": True, "neo1": False}, {"base1": True, "neo1": False}) == []
    assert bundle.pictured_apart({"base1": True}, {"base1": False}) == [
        "the reference pictures of base1 are of other cards than the embeddings"
    ]
    assert bundle.pictured_apart({"base1": False, "neo1": True}, {"base1": False}) == [
        "the reference pictures of neo1 are of other cards than the embeddings"
    ]
    assert "of base1 and 1 more sets are of other" in bundle.pictured_apart({"base1": False}, {"neo1": False})[0]
