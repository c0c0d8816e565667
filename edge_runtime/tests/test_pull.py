"""What is fetched and what is not; what is refused; and what is served when a pull was killed."""

import errno
import hashlib
import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from edge_runtime.home import Home
from edge_runtime.publishers import FolderPublisher
from edge_runtime.pull import open_newest, pull
from edge_runtime.refusals import (
    BadSignature,
    CannotPull,
    Damaged,
    Mixed,
    NoRelease,
    PartMissing,
    PartTampered,
    PartTruncated,
    UnknownPublisher,
    WrongSchema,
)
from edge_runtime.release import open_release
from edge_runtime.selftest import tried_here


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Counting(FolderPublisher):
    """Remembers which parts were asked for."""

    def __init__(self, folder):
        super().__init__(folder)
        self.asked = []

    def read(self, path, start=0):
        if path.startswith("parts/"):
            self.asked.append(path.removeprefix("parts/"))
        yield from super().read(path, start)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "device"


def served(home, published):
    return open_release(home / "releases", published.trusted)


def test_the_first_pull_brings_the_whole_release(published, home):
    pulled = pull(FolderPublisher(published.releases), home, published.trusted)
    release = served(home, published)
    assert release.folder == pulled.folder
    for path in published.whole.iterdir():
        if path.suffix != ".json":
            assert (release.folder / path.name).read_bytes() == path.read_bytes()
    assert pulled.fetched > pulled.size
    assert list((home / "incoming").iterdir()) == []


def test_a_second_pull_fetches_only_what_changed_and_keeps_one_copy_of_the_rest(published, home):
    first = pull(FolderPublisher(published.releases), home, published.trusted)
    published.change_a_row()
    source = Counting(published.releases)
    second = pull(source, home, published.trusted)
    assert second.release_id != first.release_id
    assert source.asked == [sha256((published.whole / "catalogue.csv").read_bytes())]
    assert "Amber Fawn" in served(home, published).catalogue.read_text()
    assert (first.folder / "fp32.onnx").samefile(second.folder / "fp32.onnx")


def test_of_a_changed_file_only_the_changed_parts_are_fetched(published, home):
    pull(FolderPublisher(published.releases), home, published.trusted)
    index = published.whole / "fp32.usearch"
    data = bytearray(index.read_bytes())
    data[-1] ^= 1
    index.write_bytes(data)
    published.publish()
    source = Counting(published.releases)
    pulled = pull(source, home, published.trusted)
    assert len(source.asked) == 2  # the list of parts, and the part
    assert (pulled.folder / "fp32.usearch").read_bytes() == bytes(data)


def test_nothing_new_fetches_nothing(published, home):
    pull(FolderPublisher(published.releases), home, published.trusted)
    source = Counting(published.releases)
    pulled = pull(source, home, published.trusted)
    assert (source.asked, pulled.parts) == ([], 0)


def test_the_release_before_is_kept_and_older_ones_go(published, home):
    ids = [pull(FolderPublisher(published.releases), home, published.trusted).release_id]
    for name in ("Fawn", "Ferret"):
        catalogue = published.whole / "catalogue.csv"
        catalogue.write_text(catalogue.read_text().replace("Blue Heron", f"Blue {name}").replace("Fawn", name))
        published.publish()
        ids.append(pull(FolderPublisher(published.releases), home, published.trusted).release_id)
    assert sorted(path.name for path in (home / "releases").iterdir() if path.is_dir()) == sorted(ids[1:])


def test_a_file_that_rotted_on_the_device_is_mended(published, home):
    pulled = pull(FolderPublisher(published.releases), home, published.trusted)
    (pulled.folder / "fp32.usearch").write_bytes(b"rot" * 1000)
    (pulled.folder / "fp32.onnx").unlink()
    pull(FolderPublisher(published.releases), home, published.trusted, mend=True)
    assert served(home, published).release_id == pulled.release_id


def spoil_truncate(published):
    path = published.a_part()
    path.write_bytes(path.read_bytes()[:-1])


def spoil_tamper(published):
    path = published.a_part()
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def spoil_lengthen(published):
    with published.a_part().open("ab") as file:
        file.write(b"more")


def spoil_miss(published):
    published.a_part().unlink()


def spoil_signature(published):
    timestamp = published.releases / "metadata" / "timestamp.json"
    said = json.loads(timestamp.read_text())
    said["signatures"][0]["sig"] = "00" * 64
    timestamp.write_text(json.dumps(said))


def spoil_key(published):
    published.repository.keys["stable"] = [CryptoSigner.generate_ed25519()]
    published.publish()


def spoil_publisher(published):
    (published.releases / "metadata" / "1.root.json").write_text("{}")


def spoil_schema(published):
    published.publish(schema=3)


def spoil_name(published):
    published.publish_with("../outside", {"sha256": "0" * 64, "size": 1})


def spoil_digest(published):
    published.publish_with("catalogue.csv", {"sha256": "../../../etc/passwd", "size": 1})


def spoil_list(published):
    rows = json.dumps([["../../etc/passwd", 7]]).encode()
    (published.parts / sha256(rows)).write_bytes(rows)
    listed = {"sha256": sha256(rows), "size": len(rows)}
    published.publish_with("catalogue.csv", {"sha256": "0" * 64, "size": 7, "parts": listed})


def spoil_use(published):
    published.publish(references=["what-is-not-listed.zip"])


def spoil_variants(published):
    published.publish(variants={"fp32": {}})


def spoil_pointer(published):
    (published.releases / "metadata" / "timestamp.json").write_text("<!DOCTYPE html>")


def spoil_manifest(published):
    (published.folder / "manifest.json").write_bytes(b"{}")


def spoil_release(published):
    (published.folder / "manifest.json").unlink()


def spoil_source(published):
    published.releases.rename(published.releases.with_name("unplugged"))


REFUSALS = {
    spoil_truncate: PartTruncated,
    spoil_tamper: PartTampered,
    spoil_lengthen: PartTampered,
    spoil_miss: PartMissing,
    spoil_signature: BadSignature,
    spoil_key: BadSignature,
    spoil_publisher: UnknownPublisher,
    spoil_schema: WrongSchema,
    spoil_name: Damaged,
    spoil_digest: WrongSchema,
    spoil_list: Damaged,
    spoil_use: Damaged,
    spoil_variants: WrongSchema,
    spoil_pointer: Damaged,
    spoil_manifest: Mixed,
    spoil_release: Damaged,
    spoil_source: NoRelease,
}


@pytest.mark.parametrize(("spoil", "refusal"), REFUSALS.items(), ids=[spoil.__name__ for spoil in REFUSALS])
def test_what_is_not_as_it_was_signed_is_refused_and_the_last_good_release_goes_on_being_served(
    published, home, spoil, refusal, monkeypatch, tmp_path
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    good = open_newest(published.releases, published.trusted).release_id
    index = published.whole / "fp32.usearch"
    index.write_bytes(index.read_bytes() + b"something new")
    published.publish()
    spoil(published)
    with pytest.raises(refusal) as caught:
        pull(FolderPublisher(published.releases), home, published.trusted)
    assert type(caught.value) is refusal
    assert ": " in str(caught.value)
    assert not (home / "releases" / "latest.json").exists()
    said = []
    assert open_newest(published.releases, published.trusted, say=said.append).release_id == good
    assert "going on with the last good release" in said[0]


def test_a_place_of_which_nothing_was_ever_pulled_says_so(tmp_path, published, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(NoRelease, match="nowhere"):
        open_newest(tmp_path / "nowhere", published.trusted)


def test_a_home_and_a_whole_release_are_opened_as_they_lie(published, home):
    pulled = pull(FolderPublisher(published.releases), home, published.trusted)
    for place in (home, home / "releases", pulled.folder):
        assert open_newest(place, published.trusted).folder == pulled.folder


def test_a_release_that_rotted_is_pulled_again_when_it_is_opened(published, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    release = open_newest(published.releases, published.trusted)
    release.catalogue.write_text("rot")
    said = []
    assert open_newest(published.releases, published.trusted, say=said.append).catalogue.read_text() != "rot"
    assert "pull the release again" in said[0]


def test_a_full_disk_is_one_sentence(published, home, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(home / "incoming"))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotPull, match=r"incoming can't be used \(No space left on device\): free space"):
        pull(FolderPublisher(published.releases), home, published.trusted)


def test_two_pulls_at_once_take_turns(published, home):
    threads = [
        threading.Thread(target=pull, args=(FolderPublisher(published.releases), home, published.trusted))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert served(home, published)


def killed_at(moment: int, source: FolderPublisher, home: Path, roots: list[bytes]) -> bool:
    """Pull in a process that is killed at its n-th touch of the home; gives whether it lived to the end."""
    child = os.fork()
    if child == 0:
        touched = 0

        def watch(event, arguments):
            nonlocal touched
            if event in ("open", "os.rename", "os.link", "os.mkdir", "os.rmdir", "os.remove") and any(
                str(home) in str(argument) for argument in arguments
            ):
                touched += 1
                if touched == moment:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        try:
            pull(source, home, roots)
        finally:
            os._exit(0)
    return os.WIFEXITED(os.waitpid(child, 0)[1])


def test_killed_at_any_moment_a_whole_release_is_served_and_the_next_pull_goes_on(published, home):
    source = FolderPublisher(published.releases)
    first = pull(source, home, published.trusted).release_id
    index = published.whole / "fp32.usearch"
    index.write_bytes(index.read_bytes() + b"x" * 6000)
    second = published.change_a_row()["release_id"]
    moment, lived, seen = 1, False, set()
    while not lived:
        lived = killed_at(moment, source, home, published.trusted)
        release = served(home, published).release_id
        seen.add(release)
        assert release in (first, second)
        if release == second and not lived:
            break
        moment += 1
    assert moment > 20
    pull(source, home, published.trusted)
    assert served(home, published).release_id == second
    assert sorted(path.name for path in (home / "releases").iterdir() if path.name != "latest.json") == sorted(
        [first, second]
    )


def killed_after(seconds: float, source: FolderPublisher, home: Path, roots: list[bytes]) -> None:
    """Pull in a process that is killed after a while."""
    child = os.fork()
    if child == 0:
        try:
            pull(source, home, roots, check=tried_here)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.faults
def test_killed_at_random_moments_a_whole_release_is_served_each_time(published, home):
    """EDGE_RUNTIME_KILLS says how many times: 10, or more on a machine that has the time."""
    source, moments = FolderPublisher(published.releases), random.Random(0)
    began = time.perf_counter()
    whole = {pull(source, home, published.trusted, check=tried_here).release_id}
    usual = time.perf_counter() - began
    for kill in range(int(os.environ.get("EDGE_RUNTIME_KILLS", "10"))):
        whole.add(published.publish(note=kill)["release_id"])
        killed_after(moments.uniform(0, usual), source, home, published.trusted)
        assert served(home, published).release_id in whole
    assert pull(source, home, published.trusted, check=tried_here).release_id == published.folder.name
    assert served(home, published).release_id == published.folder.name


def test_parts_that_were_fetched_before_a_pull_was_killed_are_not_fetched_again(published, home):
    killed_at(60, FolderPublisher(published.releases), home, published.trusted)
    got = {path.name for path in Home(home).incoming.iterdir() if not path.name.startswith(".")}
    source = Counting(published.releases)
    pull(source, home, published.trusted)
    assert got
    assert not got & set(source.asked)
