"""The sample cards: the same seed gives the same bytes, cards differ, twins do not, and the tables say what lies there."""

import csv
import hashlib
import itertools
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pcr_assets.imaging.hashing import both, hamming
from pcr_assets.imaging.sample import SampleError, __main__, bad_files, render, render_card, specs

SMALL = {"sets": 3, "cards_per_set": 6}
LONG_NAME = re.compile(r"(?P<name>[A-Za-z]+)-en_(?P<series>[a-z]+)_(?P<set>[a-z0-9]+)_(?P<number>\d+)_high\.png")


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    render(folder, **SMALL, strangers=8)
    return folder


@pytest.fixture
def quick_photos(monkeypatch):
    """Photos cost the most, and how they are written is another test's matter."""

    def write(folder: Path, cards, seed) -> None:
        folder.mkdir()
        (folder.parent / "photos.csv").write_text(f"{len(cards)} cards\n")

    monkeypatch.setattr("pcr_assets.imaging.sample.rendering.write_photos", write)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def read(path: Path) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])


def twins(cards):
    """Cards of the last set with the card of an earlier set whose art they show."""
    return [
        (first, second)
        for first, second in itertools.combinations(cards, 2)
        if first.design.genome == second.design.genome
    ]


def test_the_same_seed_gives_the_same_bytes(sample, tmp_path):
    render(tmp_path, **SMALL, strangers=8)
    assert contents(tmp_path) == contents(sample)


def test_another_seed_gives_other_cards():
    assert not np.array_equal(render_card(specs(0, **SMALL)[0].design), render_card(specs(1, **SMALL)[0].design))


def test_a_second_call_writes_nothing(sample):
    before = {path: path.stat().st_mtime_ns for path in sample.rglob("*")}
    render(sample, **SMALL, strangers=8)
    assert {path: path.stat().st_mtime_ns for path in sample.rglob("*")} == before


def test_other_arguments_render_anew_and_leave_nothing_behind(tmp_path, quick_photos):
    render(tmp_path, sets=3, cards_per_set=5, strangers=8)
    render(tmp_path, sets=2, cards_per_set=4, strangers=8)
    assert {path.name for path in (tmp_path / "card_images").iterdir()} == {"dawn1", "echo1", "cards.csv"}
    assert not (tmp_path / ".sample.partial").exists()


def test_a_killed_rendering_is_done_anew(tmp_path, quick_photos):
    render(tmp_path, sets=2, cards_per_set=4, strangers=8)
    before = contents(tmp_path)
    stamp = tmp_path / ".sample.json"
    stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {"complete": False}))
    (tmp_path / "photos.csv").unlink()
    render(tmp_path, sets=2, cards_per_set=4, strangers=8)
    assert contents(tmp_path) == before


def test_pictures_of_others_are_never_replaced(tmp_path, capsys):
    mine = tmp_path / "card_images" / "mine.png"
    mine.parent.mkdir()
    mine.write_bytes(b"precious")
    with pytest.raises(SampleError, match="choose a folder of its own"):
        render(tmp_path, **SMALL)
    assert __main__.main([str(tmp_path)]) == 1
    assert "card_images was not rendered here" in capsys.readouterr().err
    assert mine.read_bytes() == b"precious"


def test_different_cards_are_far_apart_and_reprints_near():
    cards = specs(0, sets=3, cards_per_set=12)
    hashes = np.stack([both(render_card(card.design)) for card in cards])
    apart = hamming(hashes, hashes)
    place = {card.card_id: i for i, card in enumerate(cards)}
    same = {(place[first.card_id], place[second.card_id]) for first, second in twins(cards)}
    different = [apart[pair] for pair in itertools.combinations(range(len(cards)), 2) if pair not in same]
    assert min(different) > 60
    assert max(apart[pair] for pair in same) < min(different)


def test_the_last_set_holds_reprints_with_other_numbers_and_exact_twins():
    cards = specs(0, sets=3, cards_per_set=40)
    pairs = twins(cards)
    exact = [(first, second) for first, second in pairs if first.design == second.design]
    assert (len(pairs), len(exact)) == (18, 3)
    assert all(first.set != second.set == "echo1" and first.name == second.name for first, second in pairs)
    first, second = exact[0]
    assert first.card_id != second.card_id
    assert np.array_equal(render_card(first.design), render_card(second.design))


def test_the_catalogue_lists_every_scan_of_all_sets_but_one(sample):
    scans = sample / "card_images"
    table = rows(scans / "cards.csv")
    assert {row["path"] for row in table} == {
        str(path.relative_to(scans)) for path in scans.rglob("*.png") if path.parent.name != "tide1"
    }
    for row in table:
        assert row["card_id"] == f"{row['set']}-{row['number']}"
        assert row["name"] in row["path"]
    assert {row["set"]: row["set_name"] for row in table} == {"dawn1": "First Dawn", "echo1": "Echoes"}


def test_the_unlisted_set_names_its_cards_by_their_files(sample):
    known = {card.card_id: card.name for card in specs(0, **SMALL)}
    names = [LONG_NAME.fullmatch(path.name) for path in (sample / "card_images" / "tide1").iterdir()]
    found = {f"{match['set']}-{match['number']}": match["name"] for match in names if match}
    assert found == {card_id: name for card_id, name in known.items() if card_id.startswith("tide1-")}


def test_a_second_scan_shows_its_card_in_another_resolution():
    from pcr_assets.imaging.sample.scans import scans, second_scan

    cards = specs(0, sets=6, cards_per_set=40)
    second = [scan for scan in scans(cards, 0) if scan.view]
    assert len(second) == 10
    first = render_card(second[0].card.design)
    other = second_scan(first, np.random.default_rng(0))
    assert other.shape != first.shape
    assert hamming(both(first)[None], both(other)[None]) < 60


def test_photos_have_corners_for_every_card(sample):
    table = rows(sample / "photos.csv")
    known = {card.card_id: card.name for card in specs(0, **SMALL)}
    assert {row["photo"] for row in table} == {f"photos/{path.name}" for path in (sample / "photos").iterdir()}
    for row in table:
        height, width = read(sample / row["photo"]).shape[:2]
        assert (width, height) == (1280, 720)
        assert row["in_gallery"] == ("1" if row["card_id"] else "")
        if row["card_id"]:
            assert row["name"] == known[row["card_id"]]
        if row["quad"]:
            quad = np.array(json.loads(row["quad"]), np.float32)
            assert cv2.contourArea(quad, oriented=True) > 0, "clockwise from the top left"
            assert quad.min() >= -50 and (quad <= (width + 50, height + 50)).all()
    assert {row["kind"] for row in table} == {"phone_single", "phone_multi", "stranger", "no_card"}


def test_corners_lie_on_the_card_they_name(sample):
    cards = specs(0, **SMALL)
    printed = np.stack([both(render_card(card.design)) for card in cards])
    single = [row for row in rows(sample / "photos.csv") if row["photo"].startswith("photos/single_")]
    for row in single:
        width, height = 160, 224
        upright = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        warp = cv2.getPerspectiveTransform(np.array(json.loads(row["quad"]), np.float32), upright)
        seen = cv2.warpPerspective(read(sample / row["photo"]), warp, (width, height))
        assert cards[hamming(both(seen)[None], printed).argmin()].name == row["name"]


def test_strangers_are_of_other_games_and_have_no_card_id(sample):
    table = rows(sample / "strangers.csv")
    assert {row["path"] for row in table} == {f"strangers/{path.name}" for path in (sample / "strangers").iterdir()}
    assert len({row["game"] for row in table}) == 8
    assert not any(row["card_id"] or row["game"] == "Wild Atlas" for row in table)


def test_too_few_sets_or_cards_are_refused_with_a_sentence(tmp_path, capsys):
    assert __main__.main([str(tmp_path), "--sets", "1"]) == 1
    assert "at least 2 sets" in capsys.readouterr().err
    assert __main__.main([str(tmp_path), "--cards", "3"]) == 1
    assert "at least 4 cards" in capsys.readouterr().err


def test_bad_files_are_as_bad_as_they_say(tmp_path):
    files = bad_files(tmp_path)
    assert files["empty"].read_bytes() == b""
    assert files["huge"].stat().st_size < 100_000
    huge = files["huge"].read_bytes()
    assert (int.from_bytes(huge[16:20]), int.from_bytes(huge[20:24])) == (20_000, 20_000)
    assert Image.open(files["tiny"]).size == (1, 1)
    assert Image.open(files["cmyk"]).mode == "CMYK"
    assert Image.open(files["deep"]).mode == "I;16"
    assert all(getattr(Image.open(files[kind]), "n_frames", 1) == 2 for kind in ("gif", "webp", "apng"))
    for kind in ("truncated", "text"):
        with pytest.raises(OSError):
            Image.open(files[kind]).load()


def test_a_gallery_of_ten_thousand_cards_has_as_many_names_and_designs():
    """There are 7,200 short names: beyond them the renderer once looked for a new one for ever."""
    cards = specs(sets=41, cards_per_set=250)
    own = [card for card in cards if card.set != "echo1"]
    assert len({card.name for card in own}) == len(own) == 10_000
    assert len({card.design for card in own}) == len(own)
    assert max(len(card.name) for card in own) < 20
