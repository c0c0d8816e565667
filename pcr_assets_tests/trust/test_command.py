"""The command, as a publisher would run it."""

import pytest

from edge_runtime.publishers import open_publisher
from edge_runtime.releases.channel import newest
from pcr_assets import layout
from pcr_assets.resources.project import Project
from pcr_assets.trust.__main__ import main
from pcr_assets.trust.channels import initialised, publish_release
from pcr_assets.trust.settings import TrustSettings


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    """A publisher's machine: its store and its keys are where the environment says."""
    monkeypatch.setenv("PCR_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("PCR_KEYS", str(tmp_path / "keys"))
    return tmp_path


def publish(publisher, release_id, *channels):
    trust = TrustSettings(channels=channels)
    repository, keys = initialised(Project().root, [publisher / "keys"], trust.days, may_make=False)
    publish_release(repository, keys, trust, release_id, release_id.encode())


def offered(publisher, root, channel="stable"):
    place = open_publisher(f"{Project().root.root}/{layout.RELEASES}")
    return newest(place, publisher / "device", channel, [root]).release_id


def test_a_folder_in_which_the_newest_root_can_not_be_kept_is_one_sentence_and_another_run_goes_on(
    publisher, capsys, monkeypatch
):
    """All keys lie on a stick, and PCR_KEYS names what is no folder."""
    assert main(["init"]) == 0
    keys = publisher / "keys"
    (publisher / "file").write_text("")
    monkeypatch.setenv("PCR_KEYS", str(publisher / "file" / "keys"))
    capsys.readouterr()
    assert main(["--keys", str(keys), "renew", "--all"]) == 1
    assert capsys.readouterr().err == (
        f"{publisher}/file/keys/root.json can't be written (Not a directory): mend the folder's rights, or name another in "
        "PCR_KEYS, then run again\n"
    )
    monkeypatch.setenv("PCR_KEYS", str(keys))
    assert main(["renew", "--all"]) == 0


def test_a_publisher_s_life(publisher, capsys):
    assert main(["init"]) == 0
    assert "move root*.pem and targets*.pem to a place that no network reaches" in capsys.readouterr().out
    root = Project().root.read(f"{layout.RELEASES}/root.json")
    stick = publisher / "stick"
    stick.mkdir()
    for name in ("root.pem", "targets.pem"):
        (publisher / "keys" / name).rename(stick / name)

    publish(publisher, "first", "canary", "stable")
    publish(publisher, "second", "canary")
    assert (offered(publisher, root), offered(publisher, root, "canary")) == ("first", "second")
    assert main(["promote", "second"]) == 0
    assert offered(publisher, root) == "second"

    assert main(["rotate", "timestamp"]) == 1
    assert "root must be signed by 1 of its keys" in capsys.readouterr().err
    assert not (publisher / "keys" / "timestamp-2.pem").exists()
    assert main(["--keys", str(stick), "rotate", "timestamp"]) == 0
    assert "timestamp.pem" in capsys.readouterr().out
    (publisher / "keys" / "timestamp.pem").unlink()
    assert main(["renew"]) == 0
    assert offered(publisher, root) == "second"

    capsys.readouterr()
    assert main(["show"]) == 0
    shown = capsys.readouterr().out
    assert "(not here)" in shown
    assert "timestamp-2.pem" in shown
    assert "stable offers second, before that first" in shown


def test_several_root_keys_of_which_some_must_sign(publisher, capsys):
    assert main(["init", "--root-keys", "3", "--root-threshold", "2"]) == 0
    root = Project().root.read(f"{layout.RELEASES}/root.json")
    publish(publisher, "first", "stable")
    for number in (1, 2):
        (publisher / "keys" / f"root-{number}.pem").rename(publisher / f"root-{number}.pem")
    assert main(["renew", "--all"]) == 0
    assert "and its keys are not here" in capsys.readouterr().err, "one of two that must sign is too few"
    assert main(["rotate", "snapshot"]) == 1
    assert "root must be signed by 2 of its keys, of which 1 are in" in capsys.readouterr().err
    assert main(["--keys", str(publisher), "rotate", "snapshot"]) == 0
    assert offered(publisher, root) == "first"


def test_all_keys_may_lie_elsewhere_than_in_the_folder_that_is_named(publisher, monkeypatch):
    assert main(["init"]) == 0
    root = Project().root.read(f"{layout.RELEASES}/root.json")
    publish(publisher, "first", "stable")
    monkeypatch.setenv("PCR_KEYS", str(publisher / "not there"))
    assert main(["--keys", str(publisher / "keys"), "rotate", "timestamp", "--into", str(publisher / "keys")]) == 0
    assert offered(publisher, root) == "first"


@pytest.mark.parametrize("arguments", [["show"], ["promote", "first"], ["renew"], ["rotate", "stable"]])
def test_a_store_without_metadata_is_told_what_to_do_first(publisher, capsys, arguments):
    assert main(arguments) == 1
    assert "`python -m pcr_assets.trust init`, or publish a release" in capsys.readouterr().err


def test_what_is_there_is_never_made_anew(publisher, capsys):
    assert main(["init"]) == 0
    assert main(["init"]) == 1
    assert "has metadata already" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [("2", "3"), ("1", "0")])
def test_a_threshold_that_can_t_be_met_is_refused(publisher, capsys, asked):
    assert main(["init", "--root-keys", asked[0], "--root-threshold", asked[1]]) == 1
    assert "can't be asked for" in capsys.readouterr().err
    assert not (publisher / "keys").exists()


def test_a_root_that_must_be_renewed_without_its_key_is_told(publisher, tmp_path, monkeypatch, capsys):
    profile = tmp_path / "short.yaml"
    profile.write_text("extends: embedded\ntrust: {days: {root: 5}}\n")
    monkeypatch.setenv("PCR_PROFILE", str(profile))
    assert main(["init"]) == 0
    monkeypatch.delenv("PCR_PROFILE")
    (publisher / "keys" / "root.pem").unlink()
    assert main(["renew"]) == 3
    assert "root expires on" in capsys.readouterr().err


@pytest.mark.parametrize("setting", ["channels: [beta]", "days: {root: 0}", "days: {leaf: 3}"])
def test_settings_that_make_no_sense_are_refused(publisher, tmp_path, monkeypatch, capsys, setting):
    profile = tmp_path / "mine.yaml"
    profile.write_text(f"extends: embedded\ntrust: {{{setting}}}\n")
    monkeypatch.setenv("PCR_PROFILE", str(profile))
    assert main(["init"]) == 1
    assert "trust" in capsys.readouterr().err
