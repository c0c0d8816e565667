"""The command, as a shell would run it."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from publishing import InParts

from edge_runtime.cli import main
from edge_runtime.releases.trust import root_id


@pytest.fixture
def photos(tmp_path, scans, stranger, table, photo_of):
    """Photo files by what they show."""
    shown = {"fox": photo_of(scans["demo-1"]), "stranger": photo_of(stranger), "table": table}
    for name, picture in shown.items():
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    whole = (tmp_path / "fox.png").read_bytes()
    (tmp_path / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("I am a text file.")
    (tmp_path / "empty.jpg").write_bytes(b"")
    return lambda *names: [str(tmp_path / name) for name in names]


def answers(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_home_of_another_user_is_one_sentence(device, tmp_path, photo_file, capsys, lock):
    home = tmp_path / "home"
    assert main(["pull", str(InParts(device).releases), "--home", str(home)]) == 0
    capsys.readouterr()
    lock(home / "releases")
    assert main(["recognize", "--releases", str(home), photo_file]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "may not be read by this user" in line


def test_each_photo_gives_one_line_of_json(device, photos, capsys):
    code = main(
        ["recognize", "--json", "--releases", str(device.releases), *photos("fox.png", "stranger.png", "table.png")]
    )
    fox, stranger, table = answers(capsys)
    assert code == 0
    assert [each["status"] for each in (fox, stranger, table)] == ["confirmed", "unknown", "no card"]
    assert list(fox) == ["photo", "status", "ms", "cards"]
    (card,) = fox["cards"]
    assert list(card) == [
        "card_id",
        "name",
        "set",
        "set_name",
        "number",
        "status",
        "similarity",
        "candidates",
        "corners",
        "confidence",
        "other_printing",
    ]
    assert [card[key] for key in ("card_id", "name", "set", "set_name", "number")] == [
        "demo-1",
        "Amber Fox",
        "demo",
        "Demo Days",
        "1",
    ]
    assert card["candidates"][0] == ["demo-1", card["similarity"]]
    assert len(card["corners"]) == 4
    assert stranger["cards"][0]["status"] == "unknown"
    assert table["cards"] == []


def test_photos_that_cannot_be_read_say_why_and_hold_up_no_other(device, photos, capsys):
    bad = photos("truncated.png", "text.png", "empty.jpg", "gone.png")
    code = main(["recognize", "--json", "--releases", str(device.releases), *bad, *photos("fox.png")])
    *refused, fox = answers(capsys)
    assert code == 1
    assert [each["status"] for each in refused] == ["error"] * 4
    assert all(name in each["error"] for name, each in zip(bad, refused, strict=True))
    assert fox["status"] == "confirmed"


def test_a_photo_turned_by_its_exif_gives_corners_of_the_upright_photo(device, tmp_path, scans, photo_of, capsys):
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its left side
    stored = Image.fromarray(photo_of(scans["demo-2"])).transpose(Image.Transpose.ROTATE_90)
    stored.save(tmp_path / "turned.jpg", quality=95, exif=exif)
    assert main(["recognize", "--json", "--releases", str(device.releases), str(tmp_path / "turned.jpg")]) == 0
    (card,) = answers(capsys)[0]["cards"]
    assert card["card_id"] == "demo-2"
    assert card["corners"][0] == pytest.approx([250, 90], abs=6)


def test_a_person_gets_a_line_with_name_set_number_similarity_and_time(device, photos, capsys):
    assert main(["recognize", "--releases", str(device.releases), *photos("fox.png", "table.png", "text.png")]) == 1
    fox, table, text = capsys.readouterr().out.splitlines()
    assert all(word in fox for word in ("fox.png", "Amber Fox", "Demo Days", " ms"))
    assert "no card" in table
    assert "is no picture" in text


def test_a_photo_whose_name_is_no_text_is_named_and_a_reader_that_leaves_is_no_error(device, photos):
    fox = Path(*photos("fox.png"))
    latin = fox.rename(fox.with_name(os.fsdecode(b"F\xfcchse.png")))
    command = [sys.executable, "-m", "edge_runtime.cli", "recognize", "--json", "--releases", str(device.releases)]
    strict = os.environ | {"PYTHONIOENCODING": "utf-8"}  # as in most places: only the C locale prints any byte
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, *[str(latin)] * 40], stdout=pipe, stderr=pipe, text=True, env=strict) as process:
        answer = json.loads(process.stdout.readline())
        process.stdout.close()
        said = process.stderr.read()
    assert (answer["photo"], answer["status"]) == (str(latin), "confirmed")
    assert (process.returncode, "Error" in said) == (0, False)


def test_ctrl_c_is_a_word_and_the_exit_code_of_shells(device, photos, capsys, monkeypatch):
    def interrupted(photo):
        raise KeyboardInterrupt

    monkeypatch.setattr("edge_runtime.photo.load_photo", interrupted)
    assert main(["recognize", "--releases", str(device.releases), *photos("fox.png")]) == 130
    assert capsys.readouterr().err.splitlines() == ["edge-runtime: stopped"]


@pytest.mark.parametrize("command", ["recognize", "doctor"])
def test_a_disk_that_is_full_is_one_sentence(device, photos, command):
    """It was a traceback; of what is written at the end alone the exit code was 120 besides."""
    asked = {"recognize": photos("fox.png"), "doctor": []}[command]
    whole = [sys.executable, "-m", "edge_runtime.cli", command, "--releases", str(device.releases), *asked]
    with open("/dev/full", "w") as full:  # noqa: PTH123 - as a shell opens it
        done = subprocess.run(whole, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("edge-runtime: there is no room for what is to be written")


def test_whoever_reads_the_beginning_of_a_list_alone_is_told_of_no_fault(tmp_path, capsys, monkeypatch):
    """It said that None can't be used, and to be the user that it belongs to."""
    said = {"id": "3f9a", "at": "", "status": "uncertain", "card_id": "demo-1", "similarity": None, "corrected": ""}
    monkeypatch.setattr("edge_runtime.feedback.box.kept", lambda folder: [said])
    reading, writing = os.pipe()
    os.close(reading)
    left = os.fdopen(writing, "w", buffering=1)
    monkeypatch.setattr("sys.stdout", left)
    code = main(["feedback", "--folder", str(tmp_path), "list"])
    with contextlib.suppress(BrokenPipeError):  # what it still holds
        left.close()
    assert (code, capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize("option", [["--variant", "fp32"], ["--engine", "fp32"], ["--threads", "1"]])
def test_model_and_threads_can_be_chosen(device, photos, capsys, option):
    assert main(["recognize", "--json", *option, "--releases", str(device.releases), *photos("fox.png")]) == 0
    assert answers(capsys)[0]["status"] == "confirmed"


@pytest.mark.parametrize("threads", ["0", "-1", "many", "1025", "100000"])
def test_a_number_of_threads_that_makes_no_sense_is_refused(device, photos, capsys, threads):
    with pytest.raises(SystemExit):
        main(["recognize", "--threads", threads, "--releases", str(device.releases), *photos("fox.png")])
    assert f"must be 1 to 1024, is {threads}" in capsys.readouterr().err


def test_a_release_that_is_refused_is_one_sentence_and_exit_code_2(publisher, photos, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("EDGE_RUNTIME_TRUSTED_ROOTS", str(tmp_path / "no-roots"))
    assert main(["recognize", "--releases", str(publisher.releases), *photos("fox.png")]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "edge-runtime trust root.json" in output.err
    assert len(output.err.splitlines()) == 1


def test_the_hint_names_the_root_that_lies_beside_the_releases(published, photos, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("EDGE_RUNTIME_TRUSTED_ROOTS", str(tmp_path / "roots"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = published.releases / "root.json"
    assert main(["recognize", "--releases", str(published.releases), *photos("fox.png")]) == 2
    assert f"edge-runtime trust {root}" in capsys.readouterr().err
    assert main(["trust", str(root)]) == 0
    assert main(["recognize", "--releases", str(published.releases), *photos("fox.png")]) == 0


def test_pull_says_what_was_fetched_and_its_home_is_recognised_from(device, photos, tmp_path, capsys):
    published = InParts(device)
    assert main(["pull", str(published.releases), "--home", str(tmp_path / "home")]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"release {published.folder.name} (stable) is in {tmp_path / 'home'}")
    assert main(["recognize", "--json", "--releases", str(tmp_path / "home"), *photos("fox.png")]) == 0
    assert answers(capsys)[0]["status"] == "confirmed"


def test_releases_in_parts_are_recognised_from_as_they_are(device, photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    published = InParts(device)
    assert main(["recognize", "--json", "--releases", str(published.releases), *photos("fox.png")]) == 0
    (published.releases / "metadata" / "timestamp.json").write_text("{}")
    assert main(["recognize", "--json", "--releases", str(published.releases), *photos("fox.png")]) == 0
    output = capsys.readouterr()
    assert [json.loads(line)["status"] for line in output.out.splitlines()] == ["confirmed", "confirmed"]
    assert "going on with the last good release" in output.err


def test_a_pull_that_is_refused_is_one_sentence_and_exit_code_2(device, tmp_path, capsys):
    published = InParts(device)
    published.a_part().unlink()
    assert main(["pull", str(published.releases), "--home", str(tmp_path / "home")]) == 2
    error = capsys.readouterr().err
    assert "is missing: copy the releases again" in error
    assert len(error.splitlines()) == 1


def test_a_device_follows_the_canary_channel_until_it_is_told_otherwise(device, tmp_path, capsys):
    published, home = InParts(device), ["--home", str(tmp_path / "home")]
    stable = published.folder.name
    source = str(published.releases)
    assert main(["pull", source, *home]) == 0
    assert main(["pull", source, "--channel", "canary", *home]) == 2
    assert "nothing in the channel canary" in capsys.readouterr().err
    published.publish("canary", note="newer")
    canary = published.folder.name
    for channel, release in (
        ([], stable),
        (["--channel", "canary"], canary),
        ([], canary),
        (["--channel", "stable"], stable),
    ):
        assert main(["pull", source, *channel, *home]) == 0
        assert release in capsys.readouterr().out


def test_trust_pins_a_root_so_that_its_releases_open(publisher, photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("EDGE_RUNTIME_TRUSTED_ROOTS", str(tmp_path / "pinned"))
    root = tmp_path / "root.json"
    root.write_bytes(publisher.trusted[0])
    assert main(["trust", str(root)]) == 0
    assert root_id(publisher.trusted[0]) in capsys.readouterr().out
    assert main(["recognize", "--releases", str(publisher.releases), *photos("fox.png")]) == 0


def test_trust_refuses_what_is_no_root(tmp_path, capsys):
    path = tmp_path / "no_root.json"
    path.write_text("hello")
    assert main(["trust", str(path)]) == 2
    assert "no_root.json is no root metadata" in capsys.readouterr().err


def test_trust_says_when_there_is_no_such_file(tmp_path, capsys):
    assert main(["trust", str(tmp_path / "nothing.json")]) == 2
    assert "nothing.json does not exist" in capsys.readouterr().err


def test_trust_says_when_the_folder_cannot_be_written(publisher, tmp_path, capsys):
    root = tmp_path / "root.json"
    root.write_bytes(publisher.trusted[0])
    (tmp_path / "file").write_text("in the way")
    assert main(["trust", str(root), "--folder", str(tmp_path / "file" / "roots")]) == 2
    assert "can't be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    "module",
    [
        *("cli", "embedder", "engine", "gallery", "pair", "recognizer", "stream"),
        *("following.tracks", "judging.decide", "releases.pull", "releases.release"),
    ],
)
def test_each_module_can_be_the_first_that_a_program_imports(module):
    """uSearch and ONNX Runtime crash the process when they are loaded in the wrong order."""
    code = f"import edge_runtime.{module}, edge_runtime.recognizer"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_package_needs_neither_torch_nor_dagster_nor_the_pipeline():
    """The Pi has none of them: a process that loads everything here must not have loaded one of those."""
    code = (
        "import sys, edge_runtime.cli, edge_runtime.releases.pull, edge_runtime.recognizer; "
        "print(sorted({'torch', 'dagster', 'pcr_assets', 'timm', 'pandas', 'onnx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
