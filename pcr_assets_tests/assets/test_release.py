"""How a release is offered: by what the channels say when it is whole, not when it was begun."""

import pytest

from pcr_assets import layout
from pcr_assets.assets import release
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.project import Project
from pcr_assets.resources.signing import ReleaseSigner
from pcr_assets.trust.channels import promote, releases_in, renew
from pcr_assets.trust.settings import TrustSettings

TRUST = TrustSettings()


class Publisher:
    """It makes a release of one small file; ``meanwhile`` happens as that is put together."""

    def __init__(self, folder, monkeypatch):
        self.project = Project(store=str(folder / "store"), scratch=str(folder / "work"))
        self.signer = ReleaseSigner(key_folder="")
        self.meanwhile = lambda: None
        for name in ("_require_one_making", "_require_permission"):
            monkeypatch.setattr(release, name, lambda *_: None)
        monkeypatch.setattr(release, "MADE_FROM", {"card_index": layout.INDEX})
        monkeypatch.setattr(release, "_bundled", lambda artifacts: ({}, {"catalogue.csv": self.put_together()}))
        monkeypatch.setattr(release, "_self_test", lambda artifacts, made_from: self.put_together())
        monkeypatch.setattr(release, "_reference_files", lambda artifacts: {})
        self.artifacts.publish(layout.ONNX, {}, digest="1" * 64, record={"teacher_license": "none"})
        self.artifacts.publish(layout.REPORT, {}, digest="2" * 64, record={"variants": {}})

    @property
    def artifacts(self) -> Artifacts:
        return self.project.artifacts

    def put_together(self):
        self.meanwhile()
        return self.artifacts.current(layout.INDEX).files["catalogue.csv"]

    def make(self, content) -> str:
        self.artifacts.publish(layout.INDEX, {"catalogue.csv": content}, digest=content.hex() * 8)
        return release.edge_release(self.project, self.signer).metadata["release"]

    def open(self):
        return self.signer.open(self.project.root, TRUST)

    def offered(self, channel) -> str:
        return releases_in(self.open()[0], channel)[-1]


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.delenv("PCR_KEYS", raising=False)
    return Publisher(tmp_path, monkeypatch)


def test_what_is_signed_while_a_release_is_put_together_does_not_keep_it_from_being_offered(publisher):
    """As the schedule that renews signatures at night: hours of a refresh ended in `run again`."""
    publisher.make(b"first")
    publisher.meanwhile = lambda: renew(*publisher.open(), TRUST.days)
    second = publisher.make(b"second")
    assert (publisher.offered("stable"), publisher.offered("canary")) == (second, second)


def test_a_release_that_was_taken_back_is_not_offered_again_because_something_of_it_is_mended(publisher):
    first, second = publisher.make(b"first"), publisher.make(b"second")
    promote(*publisher.open(), TRUST, first, "canary")
    said = release.edge_release(publisher.project, publisher.signer).metadata
    assert (said["release"], said["offered in"]) == (second, "stable")
    assert publisher.offered("canary") == first
