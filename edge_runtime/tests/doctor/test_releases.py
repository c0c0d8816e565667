"""Each thing that may be wrong with what a device pulled."""

from dataclasses import replace

from device_of_files import NOW, by_check, is_cured_by, pulled_at

from edge_runtime.doctor.command import examine
from edge_runtime.doctor.finding import State
from edge_runtime.doctor.releases import DAY, OLD, look
from edge_runtime.releases.home import Home, home_of
from edge_runtime.releases.pull import pull


def test_a_home_tells_its_release_and_its_age(pi, home):
    found = by_check(look(pi.machine, home).findings)
    assert found["release"].state is State.FINE
    assert found["release age"].said == "taken 1 days ago"


def test_of_a_publishers_folder_what_was_pulled_from_it_is_examined(pi, published, trusted, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    published.publish()
    before = by_check(look(pi.machine, published.releases).findings)["release"]
    assert is_cured_by(before, State.FAILED, "nothing was pulled from", f"edge-runtime pull {published.releases}")
    pulled = pull(published.releases, check=lambda folder: None)
    assert pulled.release_id in by_check(look(pi.machine, published.releases).findings)["release"].said


def test_of_an_address_what_was_pulled_from_it_is_examined(pi, home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    address = "https://cards.example/releases"
    before = by_check(look(pi.machine, address).findings)["release"]
    assert is_cured_by(before, State.FAILED, f"nothing was pulled from {address}", f"edge-runtime pull {address}")
    home_of(address).parent.mkdir(parents=True)
    home.rename(home_of(address))
    assert by_check(look(pi.machine, address).findings)["release"].state is State.FINE


def test_what_is_no_address_of_releases_is_said_to_be_none(pi):
    found = by_check(look(pi.machine, "ftp://cards.example/releases").findings)["release"]
    assert is_cured_by(found, State.FAILED, "is no place for releases", "https://HOST/PATH")


def test_a_device_without_a_root_opens_nothing(pi, home, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_RUNTIME_TRUSTED_ROOTS", str(tmp_path / "none"))
    found = by_check(look(pi.machine, home).findings)
    assert is_cured_by(found["root"], State.FAILED, "edge-runtime trust")
    assert found["release"].state is State.FAILED


def test_a_release_that_failed_here_is_told_of(pi, home):
    served = Home(home).served
    Home(home).refuse(served.manifest_sha256, served.release_id, "the self-test named another card")
    found = by_check(look(pi.machine, home).findings)["refused release"]
    assert is_cured_by(found, State.WARNING, "1 failed", "another card", "pull --again")


def test_of_a_release_that_failed_here_nobody_need_act_once_another_is_offered(pi, home):
    """The device was never well again, and `pull --again` tried the release that had cured it."""
    Home(home).refuse("ab" * 32, "0123", "the self-test named another card")
    found = by_check(look(pi.machine, home).findings)["refused release"]
    assert (found.state, "1 failed" in found.said) == (State.NOTE, True)
    (home / "metadata" / "stable.json").write_text("rot")
    assert by_check(look(pi.machine, home).findings)["refused release"].state is State.WARNING


def test_a_release_with_a_flipped_byte(pi, home):
    index = next((home / "releases").glob("*/fp32.usearch"))
    data = bytearray(index.read_bytes())
    data[-1] ^= 1
    index.write_bytes(data)
    assert is_cured_by(by_check(look(pi.machine, home).findings)["release"], State.FAILED, "fp32.usearch", "pull")


def test_a_home_of_another_user(pi, home, lock):
    lock(home / "releases")
    found = by_check(look(pi.machine, home).findings)["release"]
    assert is_cured_by(found, State.FAILED, "may not be read by this user", "sudo -u edge-runtime")


def test_a_home_in_a_folder_that_is_locked(pi, home, lock):
    (pi.root / "locked").mkdir()
    home = home.rename(pi.root / "locked" / "home")
    lock(home.parent)
    findings = examine(pi.machine, home)
    assert is_cured_by(
        by_check(findings)["release"], State.FAILED, "ada may not look into", str(home), "sudo -u edge-runtime"
    )


def test_a_home_that_was_never_filled(pi, device, tmp_path):
    assert by_check(look(pi.machine, tmp_path / "empty").findings)["release"].state is State.FAILED


def test_a_device_that_was_forgotten(pi, home):
    pulled_at(home, NOW - OLD - DAY)
    assert is_cured_by(
        by_check(look(pi.machine, home).findings)["release age"], State.WARNING, "91 days", "list-timers"
    )


def test_a_publishers_word_that_ended(pi, home):
    later = replace(pi.machine, now=lambda: NOW + 1000 * DAY)
    assert by_check(look(pi.machine, home).findings)["release expiry"].state is State.FINE
    assert is_cured_by(
        by_check(look(later, home).findings)["release expiry"], State.WARNING, "expired", "renew", "clock"
    )
