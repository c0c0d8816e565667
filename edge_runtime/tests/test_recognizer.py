"""From a photo to a name, through a release, with everything real but the model."""

from dataclasses import replace

import numpy as np
import pytest
from drawn import lay

from edge_runtime import recognizer as recognizer_module
from edge_runtime.embedder import EmbedderError, OnnxEmbedder
from edge_runtime.finding.locate import Quad, in_steps
from edge_runtime.gallery import Gallery, GalleryError
from edge_runtime.geometry import full_frame, overlap, turned
from edge_runtime.judging.decide import Status
from edge_runtime.judging.judge import Judge
from edge_runtime.photo import PhotoError
from edge_runtime.reading import weighing
from edge_runtime.reading.effort import Effort
from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.release import open_release

TILTED = np.float32([(250, 90), (420, 130), (360, 400), (170, 350)])


def named(recognition):
    return {reading.card.card_id for reading in recognition.cards if reading.status is Status.CONFIRMED}


@pytest.mark.parametrize("number", range(1, 7))
def test_a_tilted_card_on_a_table_is_named(recognizer, scans, photo_of, number):
    recognition = recognizer.recognize(photo_of(scans[f"demo-{number}"]))
    assert recognition.status == "confirmed"
    assert named(recognition) == {f"demo-{number}"}
    assert overlap(recognition.cards[0].corners, TILTED) > 0.9


def test_a_card_that_lies_upside_down_is_named_and_its_corners_start_at_its_own_top_left(recognizer, scans, photo_of):
    corners = turned(TILTED)
    (reading,) = recognizer.recognize(photo_of(scans["demo-2"], corners)).cards
    assert reading.card.card_id == "demo-2"
    np.testing.assert_allclose(reading.corners, corners, atol=8)


def test_a_place_that_was_read_in_vain_before_asks_for_more_than_one_that_was_not(
    recognizer, scans, photo_of, monkeypatch
):
    """As if each look at the card were only just sure enough, and the first one not."""
    judge, looks = recognizer.judge.judge, []

    def just_sure(*seen):
        looks.append(seen)
        return replace(judge(*seen), confidence=recognizer.calibration.accept + 1e-6)

    photo = photo_of(scans["demo-1"])
    monkeypatch.setattr(recognizer.judge, "judge", just_sure)
    assert named(recognizer.recognize(photo)) == {"demo-1"}
    first = len(looks)
    monkeypatch.setattr(recognizer.judge, "judge", lambda *seen: in_vain(just_sure(*seen), first=len(looks) <= first))
    looks.clear()
    assert named(recognizer.recognize(photo)) == set()


def in_vain(judgement, *, first):
    """The judgement, but of nothing while the outline that was named is read."""
    return replace(judgement, status=Status.UNKNOWN, confidence=0.5) if first else judgement


@pytest.mark.usefixtures("telling_printings_apart")
@pytest.mark.parametrize("printing", ["the card itself", "another printing"])
def test_what_looks_like_another_printing_is_looked_at_where_its_picture_lies(
    recognizer, scans, foreign, photo_of, printing
):
    """An outline that ends above the card's lower edge cuts off what tells its printings apart."""
    photo = photo_of(scans["demo-1"] if printing == "the card itself" else foreign)
    above_the_edge = TILTED.copy()
    above_the_edge[2:] += 0.08 * (TILTED[[1, 0]] - TILTED[[2, 3]])
    reading = recognizer.read_at(photo, above_the_edge)
    if printing == "the card itself":
        assert (reading.status, reading.card.card_id) == (Status.CONFIRMED, "demo-1")
        np.testing.assert_allclose(reading.corners, TILTED, atol=8)
    else:
        assert (reading.status, reading.other_printing) == (Status.UNKNOWN, True)


@pytest.mark.usefixtures("telling_printings_apart")
def test_a_card_that_may_be_another_printing_is_one_where_all_beside_it_are(recognizer, three_cards, monkeypatch):
    likely = dict.fromkeys(("demo-1", "demo-2", "demo-3"), 0.9)
    monkeypatch.setattr(recognizer.judge.verifier, "threshold", 0.85)
    monkeypatch.setattr(recognizer.judge.verifier, "threshold_small", 0.85)
    monkeypatch.setattr(
        recognizer.judge.second_look, "same_printing", lambda card, support, _: likely[support.match.card.card_id]
    )
    assert named(recognizer.recognize(three_cards)) == {"demo-1", "demo-2", "demo-3"}
    likely.update({"demo-2": 0.01, "demo-3": 0.01})
    found = recognizer.recognize(three_cards).cards
    assert [(reading.status, reading.other_printing) for reading in found] == [(Status.UNKNOWN, True)] * 3


@pytest.mark.parametrize("quarters", range(4))
def test_a_card_that_looks_wider_than_high_at_a_slant_is_named(recognizer, scans, photo_of, quarters):
    square = np.float32([(220, 140), (420, 140), (430, 320), (210, 320)])
    recognition = recognizer.recognize(photo_of(scans["demo-3"], turned(square, quarters)))
    assert named(recognition) == {"demo-3"}


@pytest.fixture
def three_cards(scans, table):
    """Three cards side by side on the table."""
    photo = table
    for number, left in ((1, 20), (2, 225), (3, 430)):
        photo = lay(scans[f"demo-{number}"], full_frame(150, 210) + np.float32([left, 130]), photo)
    return photo


def test_every_card_on_the_table_is_named_once(recognizer, three_cards):
    found = recognizer.recognize(three_cards).cards
    assert sorted(reading.card.card_id for reading in found) == ["demo-1", "demo-2", "demo-3"]


def test_a_card_that_no_outline_closes_around_is_named_by_its_corners_beside_a_known_one(
    recognizer, three_cards, monkeypatch
):
    first = Quad(full_frame(150, 210) + np.float32([20, 130]), 1.0)
    monkeypatch.setattr(recognizer_module, "in_steps", lambda *_: iter([[first]]))
    assert named(recognizer.recognize(three_cards)) == {"demo-1", "demo-2", "demo-3"}


def test_of_a_place_that_corners_alone_suggest_nothing_is_said_where_no_card_is_named(
    recognizer, scans, stranger, photo_of, monkeypatch
):
    known, beside = (full_frame(150, 210) + np.float32([left, 130]) for left in (20, 430))
    photo = lay(stranger, beside, photo_of(scans["demo-1"], known))
    monkeypatch.setattr(recognizer_module, "in_steps", lambda *_: iter([[Quad(known, 1.0)]]))
    (found,) = recognizer.recognize(photo).cards
    assert found.card.card_id == "demo-1"


def test_a_picture_that_is_nothing_but_the_card_is_named(recognizer, scans):
    assert named(recognizer.recognize(scans["demo-5"])) == {"demo-5"}


def test_a_card_of_no_gallery_is_not_named(recognizer, stranger, photo_of):
    recognition = recognizer.recognize(photo_of(stranger))
    assert recognition.status == "unknown"
    assert all(reading.status is Status.UNKNOWN and reading.matches for reading in recognition.cards)


def test_an_empty_table_shows_no_card(recognizer, table):
    recognition = recognizer.recognize(table)
    assert (recognition.status, recognition.cards) == ("no card", ())


@pytest.fixture
def steps_taken(monkeypatch):
    """The steps of the finder that were asked for, counted from 1."""
    taken = []

    def counted(*asked):
        for step, quads in enumerate(in_steps(*asked), start=1):
            taken.append(step)
            yield quads

    monkeypatch.setattr(recognizer_module, "in_steps", counted)
    return taken


@pytest.mark.parametrize(
    ("shows", "effort", "steps"),
    [
        ("a known card", Effort.ONE, []),
        ("a known card", Effort.QUICK, [1]),
        ("a known card", Effort.THOROUGH, [1, 2]),
        ("a known card", Effort.PLAIN, [1, 2]),
        ("a stranger", Effort.ONE, [1, 2]),
        ("a stranger", Effort.QUICK, [1, 2]),
        ("a stranger", Effort.PLAIN, [1, 2]),
        ("a stranger", Effort.THOROUGH, [1, 2, 3, 4]),
    ],
)
def test_little_effort_ends_where_all_that_was_found_is_named(
    recognizer, scans, stranger, photo_of, steps_taken, shows, effort, steps
):
    recognizer.recognize(photo_of(scans["demo-1"] if shows == "a known card" else stranger), effort=effort)
    assert steps_taken == steps


def test_lines_are_joined_only_where_nothing_was_named(recognizer, scans, photo_of, steps_taken, monkeypatch):
    """As where a doubt is left after each step."""
    monkeypatch.setattr(recognizer_module, "settled", lambda seen: False)
    recognizer.recognize(photo_of(scans["demo-1"]))
    assert steps_taken == [1, 2, 3]


def test_no_more_outlines_are_judged_than_a_photo_may_cost(recognizer, three_cards, monkeypatch):
    monkeypatch.setattr(weighing, "MOST_JUDGED", 2)
    assert [reading.judged for reading in recognizer.recognize(three_cards).cards].count(True) == 2


def test_without_pictures_a_glance_has_to_do(recognizer, scans, stranger, photo_of):
    glancing = Recognizer(recognizer.embedder, recognizer.gallery, Judge(recognizer.calibration))
    assert named(glancing.recognize(photo_of(scans["demo-1"]))) == {"demo-1"}
    assert glancing.recognize(photo_of(stranger)).status == "unknown"


def test_a_second_look_names_a_card_that_a_glance_can_not(recognizer, scans, photo_of):
    half_covered = photo_of(scans["demo-1"])
    half_covered[240:420, 150:400] = (62, 48, 40)
    corners = TILTED
    assert recognizer.read_at(half_covered, corners).status is Status.CONFIRMED
    glancing = Recognizer(recognizer.embedder, recognizer.gallery, Judge(recognizer.calibration))
    assert glancing.read_at(half_covered, corners).status is Status.UNKNOWN


@pytest.mark.parametrize("quarters", [0, 2])
def test_a_card_at_known_corners_is_read_either_way_up(recognizer, scans, photo_of, quarters):
    reading = recognizer.read_at(photo_of(scans["demo-3"]), turned(TILTED, quarters))
    assert (reading.card.card_id, reading.status) == ("demo-3", Status.CONFIRMED)
    np.testing.assert_allclose(reading.corners, TILTED, atol=3)


@pytest.mark.parametrize("value", [0, 127, 255])
@pytest.mark.parametrize("shape", [(480, 640, 3), (480, 640), (480, 640, 4), (640, 1, 3), (1, 1, 3), (1, 640, 3)])
def test_black_grey_and_white_frames_of_any_shape_show_no_card(recognizer, value, shape):
    assert recognizer.recognize(np.full(shape, value, np.uint8)).status == "no card"


def test_a_frame_laid_out_backwards_in_memory_is_read_as_it_looks(recognizer, scans, photo_of):
    photo = photo_of(scans["demo-4"])
    backwards = np.ascontiguousarray(photo[::-1, ::-1])[::-1, ::-1]
    assert named(recognizer.recognize(backwards)) == {"demo-4"}


@pytest.mark.parametrize("frame", [np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8)])
def test_an_array_that_is_no_picture_is_refused(recognizer, frame):
    with pytest.raises(PhotoError):
        recognizer.recognize(frame)


def test_an_empty_gallery_names_nothing(recognizer, tmp_path, scans, photo_of):
    from usearch.index import Index

    Index(ndim=recognizer.embedder.dim, metric="cos", dtype="f16").save(str(tmp_path / "index.usearch"))
    (tmp_path / "catalogue.csv").write_text("key,card_id,view,name,set,number,art_group\n")
    empty = Gallery.open(tmp_path / "index.usearch", tmp_path / "catalogue.csv")
    alone = Recognizer(recognizer.embedder, empty, recognizer.judge)
    assert alone.recognize(photo_of(scans["demo-1"])).status == "no card"


def test_a_model_and_an_index_of_different_lengths_are_refused(recognizer, tmp_path):
    from usearch.index import Index

    Index(ndim=7, metric="cos", dtype="f16").save(str(tmp_path / "index.usearch"))
    (tmp_path / "catalogue.csv").write_text("key,card_id,view,name,set,number,art_group\n")
    other = Gallery.open(tmp_path / "index.usearch", tmp_path / "catalogue.csv")
    with pytest.raises(GalleryError, match="vectors of 192, the index holds 7"):
        Recognizer(recognizer.embedder, other, recognizer.judge)


@pytest.mark.parametrize("claim", [{"input_size": [112, 80]}, {"embedding_dim": 64}])
def test_a_model_that_the_manifest_describes_otherwise_is_refused(publisher, claim):
    manifest = publisher.manifest
    manifest["variants"]["fp32"].update(claim)
    publisher.publish(publisher.folder, manifest)
    with pytest.raises(EmbedderError, match="not the model that the manifest describes"):
        Recognizer.open(open_release(publisher.releases, publisher.trusted))


def test_what_opening_a_part_needed_may_be_given_back_before_the_next(publisher, monkeypatch):
    said = []
    opened = Gallery.open
    monkeypatch.setattr(Gallery, "open", lambda *files: said.append("index") or opened(*files))
    Recognizer.open(
        open_release(publisher.releases, publisher.trusted), threads=1, after_each=lambda: said.append("given back")
    )
    assert said == ["given back", "index", "given back"]


def test_the_same_photo_gives_the_same_answer(recognizer, publisher, scans, photo_of):
    again = Recognizer(OnnxEmbedder(publisher.folder / "fp32.onnx", threads=2), recognizer.gallery, recognizer.judge)
    first, second = (each.recognize(photo_of(scans["demo-6"])).cards for each in (recognizer, again))
    assert [reading.matches[0].card for reading in first] == [reading.matches[0].card for reading in second]
    np.testing.assert_allclose(first[0].corners, second[0].corners)
