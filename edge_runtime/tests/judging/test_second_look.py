"""A second look: points that agree with a picture, twins that differ in one place, pictures that are not there."""

import zipfile

import numpy as np
import pytest
from printed_cards import CARDS, WHOLE, archive, match, seen

from edge_runtime.gallery import GalleryError
from edge_runtime.geometry import turned
from edge_runtime.judging.features import Features, features
from edge_runtime.judging.references import SIZE, References, features_name, picture_name
from edge_runtime.judging.second_look import SecondLook


def test_the_right_card_has_many_agreeing_points_and_others_few(look):
    card = look.seen(seen(CARDS[3]), WHOLE)
    right, other = look.supports(card, [match(3), match(4)])
    assert right.points > 60
    assert other.points < 12


def test_a_card_upside_down_agrees_with_nothing(look):
    card = look.seen(seen(CARDS[3]), turned(WHOLE))
    assert look.supports(card, [match(3)])[0].points < 12


def test_a_card_on_its_head_is_seen_where_only_the_sign_in_its_middle_agrees(look):
    """The sign of an energy looks alike both ways up; name and text say which way it lies."""
    energy = CARDS[3].copy()
    energy[116:236] = energy[116:236][::-1, ::-1]
    upright, headlong = (look.seen(seen(energy), corners) for corners in (WHOLE, turned(WHOLE)))
    (known,), (misled,) = look.supports(upright, [match(3)]), look.supports(headlong, [match(3)])
    assert known.points > misled.points
    assert misled.fits
    assert look.upside_down(headlong, misled)
    assert not look.upside_down(upright, known)


@pytest.mark.parametrize("key", [1, 2])
def test_twins_are_told_apart_where_they_differ(look, key):
    photo = seen(CARDS[key])
    supports = look.supports(look.seen(photo, WHOLE), [match(1), match(2)])
    scores = dict(zip((1, 2), look.tell_apart(photo, WHOLE, supports), strict=True))
    assert scores[key] - scores[3 - key] > 0.2


def test_twins_whose_pictures_are_the_same_can_not_be_told_apart(tmp_path):
    same = SecondLook(References([archive(tmp_path / "r.zip", {1: CARDS[1], 2: CARDS[1]})]))
    photo = seen(CARDS[1])
    first, second = same.tell_apart(photo, WHOLE, same.supports(same.seen(photo, WHOLE), [match(1), match(2)]))
    assert first == second


def test_a_candidate_without_a_picture_is_left_out(look):
    assert [s.match.key for s in look.supports(look.seen(CARDS[3], WHOLE), [match(7), match(3)])] == [3]


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_card_agrees_with_nothing(look, value):
    blank = np.full((SIZE[1], SIZE[0], 3), value, np.uint8)
    assert [support.points for support in look.supports(look.seen(blank, WHOLE), [match(3), match(4)])] == [0, 0]


def test_features_travel_as_bytes():
    found = features(CARDS[3])
    again = Features.from_bytes(found.to_bytes())
    np.testing.assert_allclose(again.places, found.places, atol=1 / 64)
    np.testing.assert_array_equal(again.descriptors, found.descriptors)
    assert len(Features.from_bytes(b"")) == 0


def test_an_archive_that_is_none_and_damaged_entries_say_so(tmp_path):
    (tmp_path / "text.zip").write_text("I am no archive.")
    with pytest.raises(GalleryError, match=r"text\.zip"):
        References([tmp_path / "text.zip"])
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as packed:
        packed.writestr(picture_name(5), b"no picture")
        packed.writestr(features_name(5), b"no features")
    with pytest.raises(GalleryError, match="damaged"):
        References([tmp_path / "bad.zip"]).picture(5)
    with pytest.raises(GalleryError, match="no features"):
        References([tmp_path / "bad.zip"]).features(5)
