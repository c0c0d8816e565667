"""The known queries of a release: which cards they show, and that they say what a device must see."""

import io
import json
import zipfile
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from edge_runtime.gallery import Card, Gallery
from edge_runtime.judging.references import SIZE, References, features_name, picture_name
from edge_runtime.releases.selftest import read_self_test, self_test
from pcr_assets.gallery import selftest
from pcr_assets.gallery.selftest import NoSelfTest, Subject

SMALL = (16, 24)


class Averages:
    """Averages of a picture, their mean taken off: enough to tell drawn cards apart."""

    input_size, dim = SMALL, SMALL[0] * SMALL[1] * 3

    def embed(self, cards):
        flat = cards.reshape(len(cards), -1).astype(np.float32)
        flat -= flat.mean(axis=1, keepdims=True)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    def close(self):
        pass


class Blind(Averages):
    """Sees the same in every picture."""

    def embed(self, cards):
        return np.ones((len(cards), self.dim), np.float32) / np.sqrt(self.dim)


@pytest.fixture
def references(tmp_path):
    """Pictures of twelve drawn cards."""
    path = tmp_path / "references.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for key in range(12):
            tiles = np.random.default_rng(key).integers(0, 256, (7, 5, 3), np.uint8)
            picture = cv2.resize(tiles, SIZE, interpolation=cv2.INTER_LINEAR)
            archive.writestr(picture_name(key), cv2.imencode(".jpg", picture)[1].tobytes())
            archive.writestr(features_name(key), b"")
    return References([path])


def gallery(references, embedder, count=12, set_of=lambda key: "demo", shows=lambda key: key):
    from usearch.index import Index

    index = Index(ndim=embedder.dim, metric="cos", dtype="f16")
    shown = [references.picture(shows(key)) for key in range(count)]
    pictures = [cv2.resize(picture, SMALL, interpolation=cv2.INTER_AREA) for picture in shown]
    index.add(np.arange(count, dtype=np.uint64), embedder.embed(np.stack(pictures)))
    return Gallery(index, {key: Card(f"demo-{key}", "", set_of(key), str(key), f"art-{key}") for key in range(count)})


def subjects(references, count=12):
    return {name: Subject(Averages(), gallery(references, Averages(), count)) for name in ("int8", "fp32")}


def test_known_queries_are_cards_that_every_variant_names(references):
    archive = zipfile.ZipFile(io.BytesIO(selftest.self_test(subjects(references), references)))
    said = json.loads(archive.read("answers.json"))
    assert len(said["queries"]) == selftest.QUERIES
    assert all(set(query["similarity"]) == {"int8", "fp32"} for query in said["queries"])
    assert set(said["tolerance"]) == {"int8", "fp32"}


def cards(archive):
    """The cards that are asked about, in their order."""
    said = json.loads(zipfile.ZipFile(io.BytesIO(archive)).read("answers.json"))
    return [query["card_id"] for query in said["queries"]]


def test_the_same_release_gives_the_same_bytes_and_a_new_card_changes_few_queries(references):
    eleven = selftest.self_test(subjects(references, 11), references)
    assert eleven == selftest.self_test(subjects(references, 11), references)
    more = set(cards(eleven)) & set(cards(selftest.self_test(subjects(references), references)))
    assert len(more) >= selftest.QUERIES - 1


def test_a_card_that_another_is_nearly_as_similar_as_is_not_asked_about(references):
    """Which of the two is the nearer, a device may see otherwise."""
    first, *_ = cards(selftest.self_test(subjects(references), references))
    key = int(first.removeprefix("demo-"))
    twin = (key + 1) % 12
    alike = gallery(references, Averages(), shows=lambda other: key if other == twin else other)
    asked = cards(selftest.self_test({"int8": Subject(Averages(), alike)}, references))
    assert len(asked) == selftest.QUERIES
    assert not {first, f"demo-{twin}"} & set(asked)


def test_a_device_passes_with_the_same_model_and_fails_with_another(references, tmp_path):
    from edge_runtime.releases.refusals import SelfTestFailed

    made = subjects(references)
    path = tmp_path / "selftest.zip"
    path.write_bytes(selftest.self_test(made, references))
    assert len(read_self_test(path).queries) == selftest.QUERIES
    choice = SimpleNamespace(variant="int8")
    good = SimpleNamespace(embedder=made["int8"].embedder, gallery=made["int8"].gallery, release=None, choice=choice)
    assert self_test(good, path) == selftest.QUERIES
    with pytest.raises(SelfTestFailed):
        self_test(SimpleNamespace(**{**vars(good), "embedder": Blind()}), path)


def test_a_model_that_names_nothing_makes_no_release(references):
    with pytest.raises(NoSelfTest, match="not one is named right by int8"):
        selftest.self_test({"int8": Subject(Blind(), gallery(references, Blind()))}, references)


def test_only_sets_of_cards_that_may_be_asked_are_looked_at(references, monkeypatch):
    """Each set's pictures lie in an archive of its own, and a gallery has ten thousand."""
    monkeypatch.setattr(selftest, "TRIED", 4)
    asked = selftest.sets_asked(gallery(references, Averages(), set_of=str))
    first = sorted((f"demo-{key}" for key in range(12)), key=selftest.digest_of)[:4]
    assert asked == {card_id.removeprefix("demo-") for card_id in first}
