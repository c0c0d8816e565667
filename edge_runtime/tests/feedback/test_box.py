"""What a device keeps of cards it is unsure of: the card alone, in bounded room, whole or not at all."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from noticed import DATE, DAY, notice, reading
from PIL import Image

from edge_runtime.cli import main
from edge_runtime.feedback.box import AGAIN, PARTS, FeedbackBox, NoSuchCard, correct, forget_days, kept, make_room
from edge_runtime.feedback.sending import send
from edge_runtime.judging.decide import Status
from edge_runtime.judging.references import SIZE


def test_of_a_photo_nothing_is_kept_but_the_card(box, photo_of):
    card = np.full((352, 252, 3), (20, 180, 40), np.uint8)
    photo = photo_of(card)
    photo[:60] = (255, 0, 255)  # a face at the edge of the frame
    notice(box, photo, reading())
    (picture,) = box.folder.glob("*/*.jpg")
    image = cv2.cvtColor(cv2.imread(str(picture)), cv2.COLOR_BGR2RGB)
    assert image.shape[1::-1] == SIZE
    assert np.abs(image[8:-8, 8:-8].astype(int) - (20, 180, 40)).max() < 24
    with Image.open(picture) as opened:
        assert not dict(opened.getexif())
        assert set(opened.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_what_was_answered_stands_beside_the_picture(box, table):
    notice(box, table, reading())
    (said,) = kept(box.folder)
    assert said["status"] == "uncertain"
    assert (said["card_id"], said["set"], said["release_id"], said["variant"]) == ("demo-1", "demo", "0123", "int8")
    assert said["candidates"] == [["demo-1", 0.71]]
    assert "corners" not in said


def test_sure_answers_and_empty_tables_leave_no_picture(box, table):
    notice(box, table, reading(Status.CONFIRMED), reading(Status.UNKNOWN, "demo-2", confidence=0.0))
    notice(box, table)
    assert list(kept(box.folder)) == []
    tally = json.loads((box.folder / DATE / "tally.json").read_text())["answers"]["0123 int8"]
    assert tally["sets"] == {"demo": {"confirmed": 1, "unknown": 1}}
    assert sum(tally["similarity"]) == 2
    assert tally["similarity"][14] == 2, "0.71 lies in the fifteenth of twenty bins"


@pytest.mark.faults
@pytest.mark.parametrize("rotted", [b"", b"[" * 100_000, b"[1]", b'{"answers": []}', b'{"answers": {"0123 int8": {}}}'])
def test_a_tally_that_rotted_is_begun_anew(box, table, rotted):
    """Of another shape, it ended whoever looked at a photo, and nothing more was kept that day."""
    notice(box, table, reading(Status.CONFIRMED))
    (box.folder / DATE / "tally.json").write_bytes(rotted)
    notice(box, table, reading(Status.CONFIRMED, "demo-2"))
    tally = json.loads((box.folder / DATE / "tally.json").read_text())["answers"]["0123 int8"]
    assert sum(tally["similarity"]) == 1


def test_a_card_that_was_taken_for_another_printing_is_kept_however_sure_that_was(box, table):
    notice(box, table, replace(reading(Status.UNKNOWN, confidence=0.001), other_printing=True))
    (said,) = kept(box.folder)
    assert (said["status"], said["other_printing"]) == ("unknown", True)


def test_a_card_that_lies_there_counts_once_a_minute(box, table, clock):
    for _ in range(5):
        notice(box, table, reading())
        clock.time += AGAIN / 10
    assert len(list(kept(box.folder))) == 1
    clock.time += AGAIN
    notice(box, table, reading())
    assert len(list(kept(box.folder))) == 2


def test_a_clock_that_was_set_back_keeps_no_card_from_being_counted(box, table, clock):
    notice(box, table, reading())
    clock.time -= 3600
    notice(box, table, reading())
    assert len(list(kept(box.folder))) == 2


def test_the_oldest_make_room_for_the_newest(tmp_path, table, clock):
    box = FeedbackBox(tmp_path, "0123", "int8", most_bytes=20_000, now=clock)
    noisy = np.random.default_rng(0).integers(0, 256, table.shape, np.uint8)
    for number in range(4):
        notice(box, noisy, reading(card_id=f"demo-{number}"))
    size = sum(path.stat().st_size for path in tmp_path.rglob("*.jpg"))
    assert size <= 20_000
    assert (
        not {path.stem for path in tmp_path.glob("*/*.json")}
        - {path.stem for path in tmp_path.glob("*/*.jpg")}
        - {"tally"}
    )


def test_the_folder_is_walked_at_the_start_and_then_once_for_each_part_of_its_room(
    box, tmp_path, table, clock, monkeypatch
):
    """It was walked in the recognising loop for each card, which takes the longer the more is kept."""
    notice(box, table, reading())
    one = size_of(box.folder)  # all pictures are the same
    room, folder, walks = 4 * PARTS * one, tmp_path / "full", []

    def walk(folder, most_bytes):
        walks.append(size_of(folder))
        return make_room(folder, most_bytes)

    monkeypatch.setattr("edge_runtime.feedback.box.make_room", walk)
    for most in (room, room // 2):  # the second time after a restart, with less room than is taken
        box, walks[:] = FeedbackBox(folder, "0123", "int8", most_bytes=most, now=clock), []
        for number in range(100):
            notice(box, table, reading(card_id=f"demo-{number}"))
            assert size_of(folder) <= most
        notice(box, table, reading(Status.CONFIRMED, card_id="demo-100"))
        assert size_of(folder) > most * (PARTS - 2) / PARTS
        assert len(walks) <= 1 + 100 * one / (most // PARTS)
        assert max(walks[1:]) <= most + one
        clock.time += 2 * AGAIN


def test_a_picture_is_there_before_what_is_said_of_it(box, table, monkeypatch):
    """One without the other would be sent as a whole one, wherever the power was cut."""
    made = []
    monkeypatch.setattr("edge_runtime.feedback.box.replace", lambda path, *_, **__: made.append(path.suffix))
    notice(box, table, reading())
    assert made[:2] == [".jpg", ".json"]


def test_two_boxes_of_one_folder_fill_it_by_a_part_each_too_much_at_most(box, tmp_path, table, clock):
    """As a release takes over from another."""
    notice(box, table, reading())
    room, folder = 4 * PARTS * size_of(box.folder), tmp_path / "shared"
    boxes = [FeedbackBox(folder, release, "int8", most_bytes=room, now=clock) for release in ("0123", "4567")]
    for number in range(2 * 4 * PARTS):
        notice(boxes[number % 2], table, reading(card_id=f"demo-{number}"))
        assert size_of(folder) <= room + 2 * room // PARTS


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*.jpg"))


def test_the_counts_of_old_days_go_and_their_pictures_stay(box, table, clock, tmp_path):
    for number, status in enumerate((Status.CONFIRMED, Status.UNCERTAIN, Status.CONFIRMED, Status.CONFIRMED)):
        clock.time = DAY + number * 86_400
        notice(box, table, reading(status))
    send(box.folder, str(tmp_path), "shop")
    clock.time = DAY + 86_400
    notice(box, table, reading(Status.UNCERTAIN, card_id="demo-2"))
    (box.folder / "2027-01-17").joinpath(".aside-0123").touch()  # of a power cut while it was written
    forget_days(box.folder, 1)
    left = {path.name for path in box.folder.iterdir()}
    assert left == {"2027-01-16", "2027-01-18"}
    assert [path.suffix for path in sorted((box.folder / "2027-01-16").iterdir())] == [".jpg", ".json"]


def test_a_new_day_makes_room_for_its_counts(box, table, clock, monkeypatch):
    monkeypatch.setattr("edge_runtime.feedback.box.MOST_DAYS", 2)
    for day in (0, 1, 2, -1):  # the last one: a clock that was set back
        clock.time = DAY + day * 86_400
        notice(box, table, reading(Status.CONFIRMED))
    assert {path.parent.name for path in box.folder.glob("*/tally.json")} == {"2027-01-14", "2027-01-16", "2027-01-17"}


def test_a_picture_that_is_sent_while_room_is_made_is_no_fault_of_the_disk(box, table, caplog):
    notice(box, table, reading())
    (box.folder / DATE / "sent.jpg").symlink_to("gone")  # listed, but not there any more
    notice(box, table, reading(card_id="demo-2"))
    assert "not kept" not in caplog.text


def test_a_disk_that_can_not_be_written_stops_nobody(tmp_path, table, caplog):
    (tmp_path / "box").write_text("a file where the folder should be")
    notice(FeedbackBox(tmp_path / "box", "0123", "int8"), table, reading())
    assert "feedback is not kept" in caplog.text


def test_a_correction_is_kept_with_the_card(box, table):
    notice(box, table, reading())
    (said,) = kept(box.folder)
    correct(box.folder, said["id"][:6], "demo-5")
    assert next(kept(box.folder))["corrected"] == "demo-5"
    with pytest.raises(NoSuchCard, match="feedback list"):
        correct(box.folder, "zz", "demo-5")


OTHERWISE = b'{"id": "0", "at": "", "status": [], "card_id": "", "similarity": "much", "corrected": null}'


@pytest.mark.parametrize("rotted", [b"", b"\xff\0", b"{}", b'{"corrected": null}', OTHERWISE, b"[" * 100_000])
def test_a_card_of_which_too_little_is_left_is_neither_corrected_nor_listed(box, table, capsys, rotted):
    """It was corrected to a file that said nothing else, and from then on nothing could be listed."""
    for each in (reading(), reading(card_id="demo-2")):
        notice(box, table, each)
    first, second = (said["id"] for said in kept(box.folder))
    (file,) = box.folder.glob(f"*/{first}.json")
    file.write_bytes(rotted)
    assert main(["feedback", "--folder", str(box.folder), "correct", first, "demo-5"]) == 1
    assert file.read_bytes() == rotted
    assert main(["feedback", "--folder", str(box.folder), "list"]) == 0
    listed = capsys.readouterr().out
    assert second[:12] in listed
    assert first[:12] not in listed


@pytest.mark.parametrize("card_id", ["Amber Fox", "", "x" * 81])
def test_a_name_is_no_id_to_correct_a_card_to(box, table, capsys, card_id):
    """It was kept, and the publisher's project counted it for a card, or set it aside."""
    notice(box, table, reading())
    (said,) = kept(box.folder)
    with pytest.raises(SystemExit):
        main(["feedback", "--folder", str(box.folder), "correct", said["id"], card_id])
    assert "must be the id of a card" in capsys.readouterr().err
    assert [said["corrected"] for said in kept(box.folder)] == [None]


@pytest.mark.parametrize("what", [["list"], ["correct", "ab", "demo-1"], ["send", "."]])
def test_a_box_of_another_user_is_not_called_empty(box, table, capsys, lock, what):
    notice(box, table, reading())
    lock(box.folder)
    assert main(["feedback", "--folder", str(box.folder), *what]) == 1
    assert "be the user that it belongs to, `sudo -u edge-runtime" in capsys.readouterr().err


def test_a_device_keeps_nothing_unless_it_is_asked_to(device, photo_file, tmp_path, capsys):
    assert main(["recognize", "--releases", str(device.releases), photo_file]) == 0
    assert main(["recognize", "--releases", str(device.releases), "--feedback", str(tmp_path / "box"), photo_file]) == 0
    assert [path.name for path in (tmp_path / "box").glob("*/*")] == ["tally.json"], "the fox was named surely"
    capsys.readouterr()
    assert main(["feedback", "--folder", str(tmp_path / "box"), "correct", "ab", "demo-1"]) == 1
    assert "feedback list" in capsys.readouterr().err
