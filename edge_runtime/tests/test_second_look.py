"""A second look: points that agree with a picture, twins that differ in one place, pictures that are not there."""

import zipfile

import cv2
import numpy as np
import pytest

from edge_runtime.features import Features, features
from edge_runtime.gallery import Card, GalleryError, Match
from edge_runtime.geometry import full_frame, turned
from edge_runtime.references import SIZE, References, features_name, picture_name
from edge_runtime.second_look import SecondLook

WHOLE = full_frame(*SIZE)


def textured(seed):
    """A card with something to hold on to: smoothed noise, uint8 RGB of the size of a reference picture."""
    noise = np.random.default_rng(seed).normal(size=(SIZE[1], SIZE[0], 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(128 + 160 * soft / soft.std() / 2, 0, 255).astype(np.uint8)


def numbered(card, text):
    """The card with a number printed at its lower left."""
    printed = card.copy()
    cv2.rectangle(printed, (14, 318), (90, 340), (235, 235, 235), -1)
    cv2.putText(printed, text, (18, 336), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (10, 10, 10), 2)
    return printed


CARDS = {1: numbered(textured(1), "12/99"), 2: numbered(textured(1), "87/54"), 3: textured(3), 4: textured(4)}


def archive(path, pictures):
    with zipfile.ZipFile(path, "w") as packed:
        for key, picture in pictures.items():
            packed.writestr(picture_name(key), cv2.imencode(".png", picture[:, :, ::-1])[1].tobytes())
            packed.writestr(features_name(key), features(picture).to_bytes())
    return path


@pytest.fixture
def look(tmp_path):
    return SecondLook(References([archive(tmp_path / "references-demo.zip", CARDS)]))


def match(key, similarity=0.5):
    return Match(Card(f"demo-{key}", "N", "demo", str(key), "twins" if key < 3 else f"demo-{key}"), similarity, key)


def seen(card, strength=1.0):
    """The card as a camera sees it: a little off, darker, softer, noisy."""
    shift = np.float32([[4, 3], [-3, 5], [2, -4], [-4, -2]]) * strength
    matrix = cv2.getPerspectiveTransform(WHOLE, WHOLE + shift)
    photo = cv2.warpPerspective(card, matrix, SIZE, borderMode=cv2.BORDER_REPLICATE)
    noise = np.random.default_rng(9).normal(0, 6, photo.shape)
    return np.clip(cv2.GaussianBlur(photo, (3, 3), 0) * 0.7 + 10 + noise, 0, 255).astype(np.uint8)


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
