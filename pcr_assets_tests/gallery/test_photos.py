"""What became of the labelled cards on a photo."""

import json
import time

import numpy as np
import pytest

from pcr_assets.gallery.photos import (
    Label,
    LabelsError,
    judge,
    labelled_first,
    labels_of,
    labels_of_each,
    read_labels,
    tally,
)
from pcr_assets.gallery.watched import labels_file
from pcr_assets.resources.store import FolderStore

CORNERS = np.array([[0, 0], [63, 0], [63, 88], [0, 88]], np.float32)
KNOWN = frozenset({"base1-4", "base1-5", "lea-286", "lea-287"})


def answer(card_id="base1-4", name="Charizard", status="confirmed", shift=0.0, candidates=()):
    return {
        "card_id": card_id,
        "name": name,
        "status": status,
        "similarity": 0.8,
        "candidates": [[card_id, 0.8], *([other, 0.79] for other in candidates)],
        "corners": (CORNERS + np.float32(shift)).tolist(),
    }


def outcome(answers, card_id="base1-4", name="Charizard", in_gallery=True, corners=CORNERS):
    (verdict,) = judge("photo.jpg", [Label(corners, card_id, name, in_gallery)], answers, KNOWN)
    return verdict.outcome


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([answer()], "right"),
        ([answer("base1-5", "Clefairy")], "wrong"),
        ([answer("base1-5", "Clefairy", "uncertain", candidates=["base1-4"])], "uncertain"),
        ([answer(status="unknown")], "refused"),
        ([answer(shift=12)], "right"),
        ([answer(shift=14)], "not found"),
        ([answer(shift=200)], "not found"),
        ([], "not found"),
    ],
)
def test_a_card_of_the_gallery_is_right_wrong_uncertain_refused_or_not_found(answers, expected):
    assert outcome(answers) == expected


def test_the_answer_at_the_labels_place_counts_not_the_first_one():
    assert outcome([answer("base1-5", "Clefairy", shift=200), answer()]) == "right"


def test_any_printing_of_a_basic_land_is_right():
    assert outcome([answer("lea-287", "Plains")], card_id="lea-286", name="Plains") == "right"


def test_a_card_that_is_not_in_the_gallery_must_not_be_named():
    assert outcome([answer()], card_id="xy1-1", name="Venusaur", in_gallery=False) == "stranger named"
    assert outcome([answer(status="uncertain")], card_id="xy1-1", name="Venusaur", in_gallery=False) == "stranger named"
    assert outcome([answer(status="unknown")], card_id="xy1-1", name="Venusaur", in_gallery=False) == "stranger refused"


@pytest.mark.parametrize(("card_id", "name", "in_gallery"), [("", "", True), ("base1-4", "Charizard", False)])
def test_a_label_that_names_no_card_or_one_that_came_to_the_gallery_since_is_not_judged(card_id, name, in_gallery):
    assert judge("photo.jpg", [Label(CORNERS, card_id, name, in_gallery)], [answer()], KNOWN) == []


def test_a_card_of_the_gallery_that_is_named_in_place_of_its_reprint_is_no_refusal():
    assert outcome([answer()], card_id="xy12-11", in_gallery=False) == "other printing named"
    assert outcome([answer(status="unknown")], card_id="xy12-11", in_gallery=False) == "stranger refused"
    assert outcome([answer()], card_id="", in_gallery=False) == "stranger refused"


def test_a_label_without_corners_means_the_card_that_fills_the_photo():
    small = {**answer("base1-5", "Clefairy"), "corners": (CORNERS / 4).tolist()}
    assert outcome([small, answer()], corners=None) == "right"


def test_labels_are_read_from_a_file_in_or_above_the_photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (tmp_path / "photos.csv").write_text(
        'photo,quad,name,card_id,in_gallery\nphotos/a.jpg,"[[0, 0], [63, 0], [63, 88], [0, 88]]",Charizard,base1-4,1\n'
        "photos/a.jpg,,,,\n"
    )
    first, second = read_labels(labels_file(FolderStore(str(folder)), FolderStore(str(folder.parent))))["photos/a.jpg"]
    assert first.card_id == "base1-4"
    assert first.in_gallery
    np.testing.assert_array_equal(first.corners, CORNERS)
    assert second.corners is None
    assert not second.in_gallery


def test_photo_quad_and_card_id_are_all_that_a_label_needs():
    """The README names no other columns."""
    quad = json.dumps(CORNERS.tolist())
    labels = read_labels(f'photo,quad,card_id\na.jpg,"{quad}",base1-4\nb.jpg,"{quad}",xy1-1\n'.encode())
    verdicts = [verdict for photo in labels for verdict in judge(photo, labels[photo], [answer()], KNOWN)]
    assert tally(verdicts) == {"right": 1, "stranger named": 1}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"file,card_id\na.jpg,base1-4\n", "no column photo"),
        (b"photo,quad\na.jpg,\nb.jpg,12 34\n", "line 3: quad is 12 34"),
        (b'photo,quad\na.jpg,"[[0, 0], [63, 0], [63, 88]]"\n', "four corners"),
        (b'photo,quad\na.jpg,"[[0, 0], [63, 0], [63, 88], [0, NaN]]"\n', "four corners"),
        (b'photo,quad\na.jpg,"[[0, 0], [63, 0], [0, 88], [63, 88]]"\n', "around the card"),
        (b'photo,quad\na.jpg,"[[7, 7], [7, 7], [7, 7], [7, 7]]"\n', "around the card"),
        (b'photo,quad\na.jpg,"{""x"": 1}"\n', "four corners"),
        ("photo,name\na.jpg,Pokémon\n".encode("latin-1"), "save it as CSV in UTF-8"),
        (b'photo,name\na.jpg,"Abra\nb.jpg,Muk\n', "line 2: unexpected end of data"),
        (b'photo,name\na.jpg,"Abra\nb.jpg,"Muk\n', "line 2: ',' expected after"),
    ],
)
def test_labels_that_cannot_be_read_are_refused_with_the_line_and_the_cure(data, reason):
    with pytest.raises(LabelsError, match=reason):
        read_labels(data)


@pytest.mark.parametrize(
    ("photo", "path"),
    [
        ("a.jpg", "photos/a.jpg"),
        ("monday/1.jpg", "photos/monday/1.jpg"),
        ("tuesday/1.jpg", "photos/tuesday/1.jpg"),
        ("1.jpg", "photos/1.jpg"),
        ("deep/b.jpg", "b.jpg"),
        ("wednesday/1.jpg", None),
        ("xa.jpg", None),
    ],
)
def test_labels_belong_to_the_photo_at_their_path_also_where_photos_of_other_folders_are_called_alike(photo, path):
    paths = ["photos/a.jpg", "photos/monday/1.jpg", "photos/tuesday/1.jpg", "photos/1.jpg", "b.jpg"]
    labels, its = {each: [each] for each in paths}, [path] if path else ()
    assert labels_of(labels, photo) == labels_of_each(labels, [photo])[photo] == its


def test_the_labels_of_many_photos_are_not_looked_for_beside_all_others():
    """Of 10,000 photos that took half a minute."""
    labels = {f"photos/{number}.jpg": [number] for number in range(10_000)}
    started = time.process_time()
    assert labels_of_each(labels, [f"{number}.jpg" for number in range(10_000)])["77.jpg"] == [77]
    assert time.process_time() - started < 5


def test_of_too_many_photos_those_with_a_labelled_card_of_the_gallery_come_first():
    known, strange = Label(None, "base1-4", "", True), Label(None, "base2-4", "", False)
    labels = {"a.jpg": (), "b.jpg": [strange], "c.jpg": [strange, known], "d.jpg": [known]}
    assert labelled_first(labels) == ["c.jpg", "d.jpg", "a.jpg", "b.jpg"]


def test_outcomes_are_counted():
    label = Label(CORNERS, "base1-4", "Charizard", True)
    verdicts = judge("a", [label, label], [answer()], KNOWN) + judge("b", [label], [], KNOWN)
    assert tally(verdicts) == {"not found": 1, "right": 2}
