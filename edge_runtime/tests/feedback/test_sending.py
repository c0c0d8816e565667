"""Sending kept cards to the publisher's project: whole or not at all, and once."""

import json
from pathlib import Path

import pytest
from noticed import DATE, notice, reading

from edge_runtime.cli import main
from edge_runtime.feedback import sending
from edge_runtime.feedback.box import SENT, correct, kept
from edge_runtime.feedback.sending import PROJECT, CannotSend, project_in, send


def test_what_arrived_is_removed_here_and_a_second_sending_has_nothing(box, table, tmp_path):
    notice(box, table, reading())
    store = tmp_path / "store"
    store.mkdir()
    assert send(box.folder, str(store), "pi-3") == (1, 1)
    arrived = {path.suffix for path in (store / "data/feedback/pi-3" / DATE).iterdir() if path.name != "tally.json"}
    assert arrived == {".jpg", ".json"}
    assert send(box.folder, str(store), "pi-3") == (0, 0)


def test_the_counts_of_a_day_are_sent_to_another_place_though_one_has_them(box, table, tmp_path):
    notice(box, table, reading())
    for store, tallies in (("first", 1), ("second", 1), ("second", 0)):
        (tmp_path / store).mkdir(exist_ok=True)
        assert send(box.folder, str(tmp_path / store), "pi-3")[1] == tallies


def test_a_picture_arrives_before_what_is_said_of_it(box, table, tmp_path, monkeypatch):
    """What has a JSON there is whole, wherever the network breaks."""
    notice(box, table, reading())
    arrived = []
    monkeypatch.setattr(sending, "replace", lambda path, *_, **__: arrived.append(path.suffix))
    send(box.folder, str(tmp_path), "pi-3")
    assert arrived[:2] == [".jpg", ".json"]


def test_a_destination_that_can_not_be_written_loses_nothing(box, table, tmp_path):
    notice(box, table, reading())
    with pytest.raises(CannotSend, match="is not there"):
        send(box.folder, str(tmp_path / "gone"), "pi-3")
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "data").write_text("in the way")
    with pytest.raises(CannotSend, match="can't be written"):
        send(box.folder, str(tmp_path / "file"), "pi-3")
    with pytest.raises(CannotSend, match="name of a device"):
        send(box.folder, str(tmp_path), "../etc")
    assert len(list(kept(box.folder))) == 1


def test_a_card_that_makes_room_while_others_are_sent_is_left_out(box, table, tmp_path, clock, monkeypatch):
    for card_id in ("demo-1", "demo-2"):
        notice(box, table, reading(card_id=card_id))
    first, second = sorted(box.folder.glob("*/*.jpg"))

    def makes_room(path):
        data = read(path)
        second.unlink(missing_ok=True)
        return data

    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", makes_room)
    assert send(box.folder, str(tmp_path), "pi-3") == (1, 1)
    assert not first.exists()


def test_a_card_that_is_corrected_while_it_is_sent_is_sent_once_more(box, table, tmp_path, monkeypatch):
    notice(box, table, reading())
    (said,) = kept(box.folder)
    folder = sending._folder

    def slowly(root):
        put = folder(root)

        def put_and_correct(key, data):
            put(key, data)
            if key.endswith(f"{said['id']}.json"):
                correct(box.folder, said["id"], "demo-5")

        return put_and_correct

    monkeypatch.setattr(sending, "_folder", slowly)
    send(box.folder, str(tmp_path), "pi-3")
    monkeypatch.setattr(sending, "_folder", folder)
    assert send(box.folder, str(tmp_path), "pi-3") == (1, 0)
    arrived = next((tmp_path / "data/feedback/pi-3" / DATE).glob(f"{said['id']}.json"))
    assert json.loads(arrived.read_bytes())["corrected"] == "demo-5"
    assert list(kept(box.folder)) == []


def test_a_bucket_gets_the_same_keys(box, table, monkeypatch):
    moto = pytest.importorskip("moto", reason="moto stands in for S3: pip install 'moto[s3]'")
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    notice(box, table, reading())
    with moto.mock_aws():
        client = boto3.client("s3")
        with pytest.raises(CannotSend, match="check the bucket"):
            send(box.folder, "s3://cards/project", "pi-3")
        client.create_bucket(Bucket="cards")
        assert send(box.folder, "s3://cards/project", "pi-3") == (1, 1)
        keys = [entry["Key"] for entry in client.list_objects_v2(Bucket="cards")["Contents"]]
    assert all(key.startswith(f"project/data/feedback/pi-3/{DATE}/") for key in keys)
    assert len(keys) == 3


def test_who_names_the_store_sends_to_the_project_in_it(box, table, tmp_path, monkeypatch, capsys):
    """Beside the project nobody looked for them, and here they were removed."""
    notice(box, table, reading())
    (tmp_path / PROJECT).mkdir(parents=True)
    assert main(["feedback", "--folder", str(box.folder), "send", str(tmp_path), "--device", "pi-3"]) == 0
    place = tmp_path / PROJECT / "data/feedback/pi-3"
    assert capsys.readouterr().out == f"sent 1 card and the tallies of 1 day to {place}\n"
    assert len(list(place.glob("*/*.jpg"))) == 1
    assert project_in(str(tmp_path / PROJECT)) == str(tmp_path / PROJECT)


@pytest.mark.parametrize("store", ["s3://cards", "s3://cards/", "s3://cards/of/ours"])
def test_who_names_the_store_in_a_bucket_sends_to_the_project_in_it(store, monkeypatch):
    moto = pytest.importorskip("moto", reason="moto stands in for S3: pip install 'moto[s3]'")
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto.mock_aws():
        client, project = boto3.client("s3"), f"{store.rstrip('/')}/{PROJECT}"
        assert project_in(store) == store, "no bucket that may be listed"
        client.create_bucket(Bucket="cards")
        assert project_in(store) == store
        client.put_object(Bucket="cards", Key=f"{project.removeprefix('s3://cards/')}/README.md", Body=b"")
        assert project_in(store) == project_in(project) == project


def test_a_mark_that_rotted_has_the_counts_sent_once_more(box, table, tmp_path):
    """It was no text: nothing was sent from then on, of the days after it either."""
    notice(box, table, reading())
    store = tmp_path / "store"
    store.mkdir()
    assert send(box.folder, str(store), "pi-3")[1] == 1
    (box.folder / DATE / SENT).write_bytes(b"\xff\0")
    assert [send(box.folder, str(store), "pi-3")[1] for _ in range(2)] == [1, 0]


def test_where_no_bucket_is_named_a_sentence_says_so(box, table):
    notice(box, table, reading())
    with pytest.raises(CannotSend, match="s3:///project names no bucket: write s3://bucket/prefix"):
        send(box.folder, "s3:///project", "pi-3")
