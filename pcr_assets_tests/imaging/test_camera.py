from itertools import pairwise
from typing import get_args

import cv2
import numpy as np
import pytest

from edge_runtime import geometry
from pcr_assets.imaging import camera
from pcr_assets.imaging.camera import backgrounds, effects, light, optics, surface
from pcr_assets.imaging.camera.layouts import in_a_fan, in_a_pile, in_rows
from pcr_assets.imaging.strengths import StrengthName

SIZE = (80, 112)


@pytest.fixture(scope="module")
def card() -> np.ndarray:
    """A card that looks different everywhere: framed, coloured, with lines of print."""
    rng = np.random.default_rng(7)
    picture = cv2.resize(rng.integers(40, 200, (8, 6, 3)).astype(np.uint8), (252, 352), interpolation=cv2.INTER_CUBIC)
    for row in range(190, 330, 16):
        cv2.line(picture, (24, row), (int(rng.integers(120, 230)), row), (20, 20, 30), 3)
    cv2.circle(picture, (80, 100), 40, (210, 60, 50), -1)
    return cv2.rectangle(picture, (0, 0), (251, 351), (230, 200, 60), 14)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def changed(card: np.ndarray, effect: str, level: float, seed: int = 0) -> np.ndarray:
    return camera.rectified(card, seeded(seed), camera.only(effect, level), SIZE).astype(float)


def sharpness(picture: np.ndarray) -> float:
    return cv2.Laplacian(np.asarray(picture, np.float32).mean(axis=2), cv2.CV_32F).var()


def alike(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel().astype(float), other.ravel().astype(float))[0, 1])


def test_settings_name_the_strengths_that_there_are():
    assert get_args(StrengthName) == tuple(camera.STRENGTHS)


@pytest.mark.parametrize("strength", camera.STRENGTHS)
def test_a_seed_gives_the_same_bytes_and_another_seed_gives_others(card, strength):
    first, again = (camera.rectified(card, seeded(3), strength, SIZE) for _ in range(2))
    assert first.shape == (112, 80, 3)
    assert first.dtype == np.uint8
    assert first.flags.c_contiguous
    assert np.array_equal(first, again)
    if strength != "none":
        assert not np.array_equal(first, camera.rectified(card, seeded(4), strength, SIZE))


def test_the_scan_itself_is_left_alone(card):
    before = card.copy()
    for seed in range(10):
        camera.rectified(card, seeded(seed), "hard", SIZE)
    assert np.array_equal(card, before)


def test_without_effects_the_camera_is_the_edge_s_own_rectify(card):
    expected = geometry.rectify(card, geometry.full_frame(card.shape[1], card.shape[0]), SIZE)
    assert np.array_equal(camera.rectified(card, seeded(), "none", SIZE), expected)
    for effect in camera.EFFECTS:
        assert np.array_equal(camera.rectified(card, seeded(), camera.only(effect, 0.0), SIZE), expected)


@pytest.mark.parametrize("effect", camera.EFFECTS)
def test_each_effect_alone_changes_the_picture_and_more_of_it_changes_more(card, effect):
    clean = camera.rectified(card, seeded(), "none", SIZE).astype(float)
    mild, strong = (
        np.mean([np.abs(changed(card, effect, level, seed) - clean).mean() for seed in range(12)])
        for level in (0.3, 1.0)
    )
    # A card seen from near has more pixels than the model takes, so a little `scale` costs nothing.
    assert mild > 0 or effect == "scale"
    assert strong > mild


@pytest.mark.parametrize("seed", range(5))
def test_the_card_is_never_mirrored_nor_turned_over(card, seed):
    clean = camera.rectified(card, seeded(), "none", SIZE)
    seen = camera.rectified(card, seeded(seed), "medium", SIZE)
    assert alike(seen, clean) > max(
        alike(seen, clean[:, ::-1]), alike(seen, clean[::-1]), alike(seen, clean[::-1, ::-1])
    )


def test_occlusion_hides_at_most_a_fifth_of_the_card(card):
    white = np.full((112, 80, 3), 255, np.uint8)
    shares = []
    for seed in range(60):
        draw = surface.finger_mask if seed % 2 else surface.thing_mask
        mask = surface.within_limit(draw, (112, 80), 0.2, seeded(seed))
        shares.append(mask.mean() / 255)
        assert surface.occluded(white, 1.0, seeded(seed)).min() < 255
    assert max(shares) <= 0.2
    assert np.mean(shares) > 0.08


def test_longer_exposure_is_brighter_for_every_pixel(card):
    series = [light.exposed(card, stops).astype(int) for stops in (-2, -1, 0, 1)]
    assert np.array_equal(series[2], card)
    for darker, brighter in pairwise(series):
        assert (brighter >= darker).all()
        assert brighter.mean() > darker.mean()


def test_lamps_are_orange_and_shade_is_blue_but_white_balance_hides_both():
    grey = np.full((4, 4, 3), 120, np.uint8)
    lamp, shade = light.lit(grey, 2700, 1.0)[0, 0].astype(int), light.lit(grey, 7500, 1.0)[0, 0].astype(int)
    assert lamp[0] > lamp[1] > lamp[2]
    assert shade[0] < shade[2]
    assert np.array_equal(light.lit(grey, 2700, 0.0), grey)


def test_hues_stay_recognisable_because_the_colour_of_an_energy_is_its_name():
    for seed in range(30):
        for pure in np.eye(3, dtype=np.uint8)[:2] * 200 + 20:  # under a lamp this orange, blue is not the strongest
            cast = effects.PICTORIAL["tint"](np.full((4, 4, 3), pure, np.uint8), 1.0, seeded(seed), 4.0)
            assert light.lit(cast, 2700, 0.7)[0, 0].argmax() == pure.argmax()


def test_blur_only_softens_and_keeps_the_brightness(card):
    for blurred in (optics.defocused(card, 3.0), optics.defocused(card, 0.7), optics.moved(card, 7.0, 0.5)):
        assert sharpness(blurred) < sharpness(card)
        assert abs(float(blurred.mean()) - float(card.mean())) < 1.5


def test_noise_has_the_spread_it_is_asked_for():
    grey = np.full((224, 160, 3), 128, np.uint8)
    noise = optics.noisy(grey, 8.0, seeded()).astype(float) - 128
    assert abs(noise.mean()) < 0.5
    assert 7 < noise.std() < 9
    assert optics.noisy(np.zeros((1100, 1500, 3), np.uint8), 8.0, seeded()).shape == (1100, 1500, 3)


def test_jpeg_keeps_red_red():
    red = np.full((32, 32, 3), (220, 30, 30), np.uint8)
    assert np.abs(optics.compressed(red, 90).astype(int) - red).max() < 12


@pytest.mark.parametrize("effect", ["shine", "glare"])
def test_reflections_only_add_light_and_shadows_only_take_it(card, effect):
    clean = card.astype(int)
    assert (effects.PICTORIAL[effect](card, 0.8, seeded(1), 352.0) >= clean).all()
    assert (effects.PICTORIAL["shadow"](card, 0.8, seeded(1), 352.0) <= clean).all()


def test_a_far_card_keeps_its_colours_and_loses_its_print(card):
    far = changed(card, "scale", 1.0)
    clean = camera.rectified(card, seeded(), "none", SIZE)
    assert sharpness(far) < 0.6 * sharpness(clean)
    assert np.abs(far.mean(axis=(0, 1)) - clean.mean(axis=(0, 1))).max() < 4


def test_an_unknown_effect_or_strength_is_refused_by_name(card):
    with pytest.raises(ValueError, match="unknown effect 'hflip': expected one of fit, corners"):
        camera.only("hflip", 1.0)
    with pytest.raises(ValueError, match="unknown strength 'wild': expected one of none, easy"):
        camera.rectified(card, seeded(), "wild", SIZE)
    with pytest.raises(ValueError, match="amounts 0 <= low <= high <= 1"):
        camera.Dose(0.5, 0.4, 2.0)


@pytest.mark.parametrize("seed", range(8))
def test_the_corners_of_a_scene_cut_the_same_card_out_again(card, seed):
    photo, places = camera.scene([card, card[::-1].copy()], seeded(seed), (640, 360), strength="none")
    assert photo.shape == (360, 640, 3)
    assert photo.dtype == np.uint8
    for scan, corners in zip([card, card[::-1].copy()], places, strict=True):
        assert corners.shape == (4, 2)
        assert corners.dtype == np.float32
        assert (corners >= 0).all()
        assert (corners <= (640, 360)).all()
        small = geometry.rectify(scan, geometry.full_frame(252, 352), (40, 56))
        again = geometry.rectify(photo, corners, (40, 56))
        # The rim is left out: round corners show the table.
        assert alike(again[3:-3, 3:-3], small[3:-3, 3:-3]) > 0.95


def test_scenes_repeat_for_a_seed_and_may_be_empty(card):
    one, again = (camera.scene([card] * 3, seeded(5), (320, 240), strength="hard") for _ in range(2))
    assert np.array_equal(one[0], again[0])
    assert np.array_equal(one[1], again[1])
    photo, places = camera.scene([], seeded(), (320, 240))
    assert photo.shape == (240, 320, 3)
    assert places == []


def test_cards_of_a_scene_lie_side_by_side_at_every_turn(card):
    turns = []
    for seed in range(12):
        _, places = camera.scene([card] * 4, seeded(seed), (320, 240), strength="none")
        cover = np.zeros((240, 320), bool)
        for corners in places:
            inside = np.zeros((240, 320), np.uint8)
            cv2.fillConvexPoly(inside, corners.astype(np.int32), 1)
            overlap = cover[inside > 0].mean()
            assert overlap < 0.12
            cover |= inside > 0
            turns.append(np.degrees(np.arctan2(*(corners[1] - corners[0])[::-1])))
    assert all(np.histogram(turns, bins=4, range=(-180, 180))[0] > 0)


def test_cards_in_rows_lie_side_by_side_and_one_way_up(card):
    _, places = camera.scene([card] * 6, seeded(3), (640, 360), strength="none", layout=in_rows)
    ways = [(place[1] - place[0]) / np.linalg.norm(place[1] - place[0]) for place in places]
    assert all(np.dot(way, ways[0]) > 0.8 for way in ways)
    assert all(geometry.overlap(one, other) < 0.01 for at, one in enumerate(places) for other in places[:at])
    assert all((place >= 0).all() and (place <= (640, 360)).all() for place in places)


@pytest.mark.parametrize(
    ("layout", "covered"),
    [pytest.param(in_a_fan, (0.2, 0.7), id="a fan"), pytest.param(in_a_pile, (0.0, 0.6), id="a pile")],
)
@pytest.mark.parametrize("seed", range(5))
def test_each_card_of_a_fan_or_a_pile_lies_on_the_one_before(layout, covered, seed):
    flat = [corners.astype(np.float32) for corners in layout(4, (640, 360), seeded(seed))]
    shares = [geometry.shared_area(upper, lower) / geometry.area(lower) for lower, upper in pairwise(flat)]
    assert all(covered[0] <= share <= covered[1] for share in shares), shares
    middles = np.concatenate(flat)
    assert np.allclose((middles.min(axis=0) + middles.max(axis=0)) / 2, (320, 180), atol=1)
    assert layout(0, (640, 360), seeded(seed)) == []


def test_a_given_background_is_used(card):
    green = np.zeros((10, 10, 3), np.uint8)
    green[..., 1] = 200
    photo, places = camera.scene([card], seeded(2), (320, 240), background=green, strength="none")
    outside = cv2.fillConvexPoly(np.ones((240, 320), np.uint8), places[0].astype(np.int32), 0)
    assert np.median(photo[outside == 1], axis=0).tolist() == [0, 200, 0]


@pytest.mark.parametrize("kind", backgrounds.KINDS)
def test_every_background_is_a_picture_with_texture(card, kind):
    picture = backgrounds.background((320, 240), seeded(1), kind, [card])
    assert picture.shape == (240, 320, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 2
