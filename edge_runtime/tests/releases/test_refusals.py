"""What is not as it was signed is refused."""

import json
import os

import pytest
from publishing import sha256
from securesystemslib.signer import CryptoSigner

from edge_runtime.publishers import FolderPublisher
from edge_runtime.releases.home import Kept
from edge_runtime.releases.opening import open_newest
from edge_runtime.releases.pull import pull
from edge_runtime.releases.refusals import (
    BadSignature,
    Damaged,
    Mixed,
    NoRelease,
    PartMissing,
    PartTampered,
    PartTruncated,
    UnknownPublisher,
    WrongSchema,
)
from edge_runtime.releases.release import open_release


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


def spoil_order(published):
    entry = published.files["fp32.usearch"]
    rows = json.dumps(json.loads((published.parts / entry["parts"]["sha256"]).read_bytes())[::-1]).encode()
    (published.parts / sha256(rows)).write_bytes(rows)
    published.publish_with("fp32.usearch", {**entry, "parts": {"sha256": sha256(rows), "size": len(rows)}})


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


def spoil_pipe(published):
    path = published.a_part()
    path.unlink()
    os.mkfifo(path)


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
    spoil_order: Damaged,
    spoil_use: Damaged,
    spoil_variants: WrongSchema,
    spoil_pointer: Damaged,
    spoil_manifest: Mixed,
    spoil_release: Damaged,
    spoil_pipe: PartMissing,
    spoil_source: NoRelease,
}


class Overflowing(FolderPublisher):
    """Goes on and on after the end of a file; ``given``: how many pieces were taken of that."""

    def __init__(self, folder, name):
        super().__init__(folder)
        self.name_of_file, self.given = name, 0

    def read(self, path, start=0):
        yield from super().read(path, start)
        while path.endswith(self.name_of_file) and self.given < 100:
            self.given += 1
            yield bytes(1 << 10)


@pytest.mark.parametrize("what", ["manifest", "part"])
def test_nothing_is_read_beyond_what_was_signed(published, home, what):
    name = "manifest.json" if what == "manifest" else published.a_part().name
    source = Overflowing(published.releases, name)
    with pytest.raises((Mixed, PartTampered)):
        pull(source, home, published.trusted)
    assert source.given == 1


@pytest.mark.parametrize("release_id", ["../outside", "in/side", ".hidden", "0123.aside"])
def test_a_signed_release_can_still_lie_nowhere_but_in_its_home(published, home, release_id):
    place = published.releases / release_id
    place.mkdir(parents=True)
    data = json.dumps({**published.manifest, "files": published.files, "release_id": release_id}).encode()
    (place / "manifest.json").write_bytes(data)
    published.repository.publish(release_id, data)
    with pytest.raises(Damaged, match="names no release"):
        pull(FolderPublisher(published.releases), home, published.trusted)
    assert list((home / "releases").iterdir()) == []


@pytest.mark.parametrize("name", ["manifest.json", "proof.json"])
def test_no_file_of_a_release_is_called_as_what_is_written_beside_them(published, home, name):
    pull(FolderPublisher(published.releases), home, published.trusted)
    model = published.files[
        "fp32.onnx"
    ]  # shared with the release that is served: to write over it would spoil that one
    published.publish(files={**published.files, name: model})
    with pytest.raises(Damaged, match=f"names the file '{name}'"):
        pull(FolderPublisher(published.releases), home, published.trusted)
    open_release(home / "releases", published.trusted)


def test_a_pointer_that_leads_out_of_the_home_is_none():
    assert Kept.read({"release_id": "0123", "manifest_sha256": "ab"}).release_id == "0123"
    with pytest.raises(ValueError, match="is no release"):
        Kept.read({"release_id": "../0123", "manifest_sha256": "ab"})


@pytest.mark.parametrize("spoil", [spoil_truncate, spoil_tamper, spoil_lengthen])
def test_of_a_part_that_is_not_the_signed_one_nothing_is_kept_to_go_on_from(published, home, spoil):
    spoil(published)
    with pytest.raises((PartTruncated, PartTampered)):
        pull(FolderPublisher(published.releases), home, published.trusted)
    assert not list((home / "incoming").glob("*.partial"))


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
