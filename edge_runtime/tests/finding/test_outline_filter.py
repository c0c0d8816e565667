"""Which outlines are read when a release has a filter, and what becomes of one that is no filter."""

import cv2
import numpy as np
import onnx
import pytest
from drawn import block_average_model, edge_contrast_filter

from edge_runtime.embedder import EmbedderError
from edge_runtime.finding.locate import find_cards
from edge_runtime.finding.outline_filter import AT_ONCE, OutlineFilter
from edge_runtime.geometry import full_frame, rectify, scaled, thumbnails
from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.refusals import Damaged
from edge_runtime.releases.release import open_release

PLACE = np.float32([(250, 90), (420, 130), (360, 400), (170, 350)])


@pytest.fixture
def release(publisher):
    """A release that has a filter."""
    model = edge_contrast_filter(publisher.folder / "outline_filter.onnx")
    publisher.add(model, outline_filter=model.name)
    return open_release(publisher.releases, publisher.trusted)


class Counting:
    """An embedder that counts the cards that it was given."""

    def __init__(self, embedder):
        self.embedder, self.cards = embedder, 0
        self.input_size, self.dim = embedder.input_size, embedder.dim

    def embed(self, cards):
        self.cards += len(cards)
        return self.embedder.embed(cards)


def counting(release, filtering=True):
    """The release's recogniser, which counts what it embeds from now on."""
    whole = Recognizer.open(release, threads=1)
    found = Recognizer(
        Counting(whole.embedder), whole.gallery, whole.judge, whole.outline_filter if filtering else None
    )
    found.embedder.cards = 0
    return found


def test_the_outline_of_a_card_is_likelier_than_that_of_its_inside_or_of_the_table(tmp_path, scans, photo_of):
    found = OutlineFilter(edge_contrast_filter(tmp_path / "filter.onnx"), threads=1)
    outlines = [PLACE, scaled(PLACE, 0.6), full_frame(100, 140)]
    card, inside, table = found.probabilities(photo_of(scans["demo-1"]), outlines)
    assert card > found.threshold > max(inside, table)


def test_many_outlines_are_judged_as_each_alone(tmp_path, scans, photo_of):
    found = OutlineFilter(edge_contrast_filter(tmp_path / "filter.onnx"), threads=1)
    photo, outlines = photo_of(scans["demo-1"]), [scaled(PLACE, size) for size in np.linspace(0.5, 1.5, AT_ONCE + 2)]
    alone = [found.probabilities(photo, [outline])[0] for outline in outlines]
    np.testing.assert_allclose(found.probabilities(photo, outlines), alone, atol=1e-5)


def test_with_a_filter_the_same_card_is_named_and_a_drawn_frame_beside_it_is_not_read(release, scans, photo_of):
    photo = cv2.rectangle(photo_of(scans["demo-2"]), (470, 120), (610, 316), (150, 150, 150), 2)
    read = {}
    for filtering in (True, False):
        recognizer = counting(release, filtering)
        assert "demo-2" in [reading.card.card_id for reading in recognizer.recognize(photo).cards]
        read[filtering] = recognizer.embedder.cards
    assert 0 < read[True] < read[False]


def test_what_the_filter_drops_is_never_read(release, scans):
    """The card's own colour all around it: for this filter no outline is one."""
    recognizer = counting(release)
    photo = cv2.copyMakeBorder(scans["demo-1"], 60, 60, 90, 90, cv2.BORDER_CONSTANT, value=(225, 225, 225))
    assert find_cards(photo)
    assert recognizer.recognize(photo).status == "no card"
    assert recognizer.embedder.cards == 0


def test_a_release_without_a_filter_reads_every_outline(publisher, scans, photo_of):
    recognizer = Recognizer.open(open_release(publisher.releases, publisher.trusted), threads=1)
    assert recognizer.outline_filter is None
    assert recognizer.recognize(photo_of(scans["demo-3"])).status == "confirmed"


def test_a_filter_that_the_manifest_does_not_list_is_never_opened(publisher):
    publisher.publish(publisher.folder, {**publisher.manifest, "outline_filter": "outline_filter.onnx"})
    with pytest.raises(Damaged, match=r"uses 'outline_filter.onnx' without listing it"):
        open_release(publisher.releases, publisher.trusted)


@pytest.mark.parametrize(
    "broken", [{"threshold": "nan"}, {"threshold": "2"}, {"margin": "0"}, {"margin": "wide"}], ids=str
)
def test_a_filter_with_senseless_numbers_is_refused(tmp_path, broken):
    with pytest.raises(EmbedderError, match=r"filter.onnx is no outline filter of this product: pull the release"):
        OutlineFilter(edge_contrast_filter(tmp_path / "filter.onnx", **broken))


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    (tmp_path / "filter.onnx").write_bytes(content)
    with pytest.raises(EmbedderError, match="no outline filter"):
        OutlineFilter(tmp_path / "filter.onnx")


def test_a_model_that_embeds_cards_is_no_filter(tmp_path):
    with pytest.raises(EmbedderError, match="no outline filter"):
        OutlineFilter(block_average_model(tmp_path / "filter.onnx"))


def test_numbers_that_are_no_probabilities_are_refused(tmp_path):
    path = edge_contrast_filter(tmp_path / "filter.onnx")
    model = onnx.load(str(path))
    model.graph.node[-1].op_type = "Identity"
    onnx.save(model, str(path))
    with pytest.raises(EmbedderError, match="gave no probabilities"):
        OutlineFilter(path, threads=1).probabilities(np.zeros((50, 50, 3), np.uint8), [full_frame(20, 28)])


def test_no_outlines_have_no_probabilities(tmp_path):
    found = OutlineFilter(edge_contrast_filter(tmp_path / "filter.onnx"))
    assert found.probabilities(np.zeros((9, 9, 3), np.uint8), []).size == 0


@pytest.mark.parametrize("enlarged", [0.2, 1, 3, 9])
def test_thumbnails_show_what_rectifying_shows_at_any_size(enlarged):
    photo = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8), (640, 480))
    photo = cv2.resize(photo, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_AREA)
    (small,) = thumbnails(photo, [PLACE * enlarged], (48, 64))
    assert np.abs(small.astype(int) - rectify(photo, PLACE * np.float32(enlarged), (48, 64))).mean() < 3
