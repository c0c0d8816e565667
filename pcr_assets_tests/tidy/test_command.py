"""`make gc`: what a person reads."""

import shutil

import pytest

from pcr_assets import layout
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store
from pcr_assets.tidy import __main__ as command


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project of a person's own, on this machine."""
    monkeypatch.setenv("PCR_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("pcr_assets.resources.downloads.CACHE", tmp_path / "cache")
    return open_store(f"{tmp_path / 'store'}/{layout.PROJECT}")


def test_it_tells_what_would_go_and_why_and_removes_it_when_asked(home, capsys):
    key = f"{layout.PARTS}/{'a' * 64}"
    home.write(key, b"x" * 2_000_000)
    assert command.main(["--hours", "0"]) == 0
    told = capsys.readouterr().out
    assert [" ".join(line.split()) for line in told.splitlines()] == [
        "what count MB oldest why",
        "part 1 2.0 0 h no kept release names it",
        "in all 1 2.0",
        "nothing was removed: make gc APPLY=1 removes it",
    ]
    assert home.size(key) == 2_000_000
    assert command.main(["--hours", "0", "--apply"]) == 0
    assert capsys.readouterr().out.endswith("removed\n")
    assert home.size(key) is None
    assert command.main([]) == 0
    assert "nothing may go" in capsys.readouterr().out


def test_a_self_test_of_a_release_before_goes_though_no_asset_is_called_like_it(home, capsys):
    """Each new index has one, and all of them stayed for ever."""
    for release in (b"first", b"second"):
        Artifacts(home).publish(layout.SELF_TEST, {"selftest.zip": release}, digest=release.hex() * 2)
    assert command.main(["--hours", "0", "--apply"]) == 0
    assert f"no pointer names it: {layout.SELF_TEST}" in capsys.readouterr().out
    left = [entry.key for entry in home.list(layout.SELF_TEST) if entry.key.endswith(".zip")]
    assert left == [file.key for file in Artifacts(home).current(layout.SELF_TEST).files.values()]


def test_what_keeps_it_from_looking_is_one_sentence(home, capsys):
    assert command.main(["--keep", "0"]) == 1
    assert capsys.readouterr().err == "0 releases can't be kept: the current one always is, so keep 1 or more\n"


@pytest.mark.parametrize("option", ["--hours", "--days", "--device-days", "--cache-gb"])
@pytest.mark.parametrize("amount", ["nan", "-1", "inf", "soon"])
def test_an_amount_that_is_none_is_refused_before_anything_goes(home, capsys, option, amount):
    """Nothing is younger than ``nan`` hours: a writer at work would have lost what it had written."""
    with pytest.raises(SystemExit):
        command.main([option, amount, "--apply"])
    assert f"argument {option}: invalid number, 0 or more value: '{amount}'" in capsys.readouterr().err


def test_after_it_a_refresh_has_nothing_to_do(world, monkeypatch):
    """On the real graph: everything that may go went, and nothing is missing."""
    monkeypatch.setenv("PCR_STORE", world.project.store)
    monkeypatch.setenv("DAGSTER_HOME", str(world.home))
    monkeypatch.setattr("pcr_assets.resources.downloads.CACHE", world.folder / "cache")
    shutil.rmtree(world.folder / "work", ignore_errors=True)
    assert command.main(["--apply", "--hours", "0", "--keep", "1"]) == 0
    outcome, built = world.refresh()
    assert (str(outcome.ending.name), built) == ("SETTLED", [])
