"""Known queries: asked before a release is served, and what becomes of one that answers otherwise."""

import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge_runtime.embedder import EmbedderError
from edge_runtime.hailo.faults import HailoFault
from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.home import MOST_REFUSED, Home
from edge_runtime.releases.opening import open_newest
from edge_runtime.releases.pull import pull
from edge_runtime.releases.refusals import RefusedBefore, ReleaseError, SelfTestFailed
from edge_runtime.releases.release import open_release
from edge_runtime.releases.selftest import self_test, tried_apart, tried_here


def rewrite(path: Path, change) -> None:
    """Change what an archive says its answers are."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    said = json.loads(files["answers.json"])
    change(said)
    files["answers.json"] = json.dumps(said).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def another_card(said):
    said["queries"][0]["card_id"] = "demo-5"


def farther(said):
    said["queries"][0]["similarity"]["fp32"] = 0.9


def not_a_number(said):
    said["queries"][0]["similarity"]["fp32"] = float("nan")


def no_queries(said):
    said["queries"] = []


def no_picture(said):
    said["queries"][0]["picture"] = "gone.png"


def test_a_release_that_answers_as_it_did_passes(publisher):
    with Recognizer.open(open_release(publisher.releases, publisher.trusted)) as recognizer:
        assert self_test(recognizer) == 3


@pytest.mark.faults
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (another_card, "fp32 takes demo-5 for demo-1"),
        (farther, "fp32 sees demo-1 at 1.000 instead of 0.900"),
        (not_a_number, "instead of nan"),
        (no_queries, "holds no known queries"),
        (no_picture, "holds no known queries"),
    ],
)
def test_a_release_that_answers_otherwise_fails(publisher, tmp_path, change, said):
    other = tmp_path / "other.zip"
    other.write_bytes((publisher.folder / "selftest.zip").read_bytes())
    rewrite(other, change)
    with (
        Recognizer.open(open_release(publisher.releases, publisher.trusted)) as recognizer,
        pytest.raises(SelfTestFailed, match=said),
    ):
        self_test(recognizer, other)


def test_a_model_without_known_similarities_must_still_name_the_cards(publisher, tmp_path):
    other = tmp_path / "other.zip"
    other.write_bytes((publisher.folder / "selftest.zip").read_bytes())
    rewrite(other, lambda said: said["queries"][0]["similarity"].clear())
    with Recognizer.open(open_release(publisher.releases, publisher.trusted)) as recognizer:
        assert self_test(recognizer, other) == 3


def test_a_release_without_a_self_test_is_asked_nothing(publisher):
    manifest = publisher.manifest
    del manifest["self_test"]
    publisher.publish(publisher.folder, manifest)
    with Recognizer.open(open_release(publisher.releases, publisher.trusted)) as recognizer:
        assert self_test(recognizer) == 0


@pytest.mark.faults
def test_one_that_fails_is_refused_remembered_and_the_last_good_one_is_served(published, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    good, said = open_newest(published.releases, published.trusted), []
    rewrite(published.whole / "selftest.zip", farther)
    published.publish()
    for expected in ("self-test: fp32 sees", "was refused on this device (self-test: fp32 sees"):
        assert open_newest(published.releases, published.trusted, say=said.append).release_id == good.release_id
        assert expected in said.pop()
    rewrite(published.whole / "selftest.zip", lambda told: told["queries"][0]["similarity"].update(fp32=1.0))
    published.publish(note="mended")
    assert open_newest(published.releases, published.trusted).release_id != good.release_id


def test_one_that_failed_is_tried_again_when_a_person_asks_or_edge_runtime_is_another(published, tmp_path, monkeypatch):
    def failing(folder):
        raise SelfTestFailed("self-test: a flaw of this device")

    home = tmp_path / "home"
    with pytest.raises(SelfTestFailed):
        pull(published.releases, home, published.trusted, check=failing)
    with pytest.raises(RefusedBefore, match="pull --again"):
        pull(published.releases, home, published.trusted)
    with monkeypatch.context() as patch:
        patch.setattr("edge_runtime.releases.home._version", lambda: "99.0")
        assert Home(home).refused == {}
    assert pull(published.releases, home, published.trusted, again=True).release_id == published.folder.name
    assert Home(home).refused == {}


def test_of_what_failed_the_newest_are_remembered(tmp_path):
    home, releases = Home(tmp_path / "home"), [f"{number:016x}" for number in range(MOST_REFUSED + 3)]
    home.folder.mkdir()
    for release_id in releases:
        home.refuse(release_id * 4, release_id, "it crashed")
    assert list(home.refused) == [release_id * 4 for release_id in releases[3:]]


def test_a_fault_that_is_not_the_release_s_is_not_held_against_it(published, tmp_path):
    def no_memory(folder):
        raise ReleaseError("the self-test could not be made")

    with pytest.raises(ReleaseError):
        pull(published.releases, tmp_path / "home", published.trusted, check=no_memory)
    assert Home(tmp_path / "home").refused == {}
    assert pull(published.releases, tmp_path / "home", published.trusted)


@pytest.mark.faults
def test_known_queries_that_can_not_be_read_here_are_not_held_against_the_release(publisher):
    archive = publisher.folder / "selftest.zip"
    archive.unlink()
    archive.mkdir()  # stands for a disk that gives no bytes: root may read whatever the rights say
    with pytest.raises(ReleaseError, match=r"selftest\.zip can't be read \(Is a directory\)") as refused:
        tried_here(publisher.folder)
    assert not isinstance(refused.value, SelfTestFailed)


@pytest.mark.faults
@pytest.mark.parametrize("file", ["fp32.onnx", "fp32.usearch", "catalogue.csv", "references-demo.zip"])
def test_a_release_that_cannot_be_opened_fails(publisher, file):
    (publisher.folder / file).write_bytes(b"nothing that works")
    with pytest.raises(SelfTestFailed):
        tried_here(publisher.folder)


@pytest.mark.parametrize(
    ("fault", "refusal"),
    [
        (HailoFault("the Hailo chip was lost", 62), ReleaseError),
        (HailoFault("the HEF is damaged", 91), SelfTestFailed),
        (EmbedderError("fp32.onnx is no model"), SelfTestFailed),
    ],
)
def test_a_chip_that_is_away_is_no_fault_of_the_release(publisher, monkeypatch, fault, refusal):
    def fails(*_):
        raise fault

    monkeypatch.setattr(Recognizer, "open", fails)
    with pytest.raises(refusal) as caught:
        tried_here(publisher.folder)
    assert type(caught.value) is refusal


@pytest.fixture
def in_pythons_place(monkeypatch, tmp_path):
    """Puts a shell script in the place of Python, for the processes that are begun."""

    def put(script):
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr("sys.executable", str(program))

    return put


@pytest.mark.faults
def test_what_hinders_a_process_of_its_own_is_said_and_not_held_against_the_release(publisher, in_pythons_place):
    in_pythons_place("echo the self-test could not be made: no chip >&2\nexit 4")
    with pytest.raises(ReleaseError, match="be made: no chip") as caught:
        tried_apart(publisher.folder)
    assert type(caught.value) is ReleaseError


@pytest.mark.faults
def test_a_release_is_tried_in_a_process_of_its_own(publisher):
    assert tried_apart(publisher.folder) == 3
    rewrite(publisher.folder / "selftest.zip", another_card)
    with pytest.raises(SelfTestFailed, match="takes demo-5 for demo-1"):
        tried_apart(publisher.folder)


@pytest.mark.faults
@pytest.mark.parametrize(("died_of", "refusal"), [(signal.SIGSEGV, SelfTestFailed), (signal.SIGKILL, ReleaseError)])
def test_a_release_that_takes_its_process_down_takes_down_nothing_else(publisher, in_pythons_place, died_of, refusal):
    """A program in Python's place that ends as a model that crashes, or as one for which memory ran out."""
    in_pythons_place(f"kill -{int(died_of)} $$")
    with pytest.raises(refusal) as caught:
        tried_apart(publisher.folder)
    assert type(caught.value) is refusal


@pytest.mark.faults
def test_a_release_that_takes_all_the_cpu_and_never_answers_is_refused(publisher, in_pythons_place):
    """A program in Python's place that spins under the limit that the self-test sets itself."""
    in_pythons_place("ulimit -S -t 1\nwhile :; do :; done")
    with pytest.raises(SelfTestFailed, match="no answer within 300 s of CPU time"):
        tried_apart(publisher.folder)


@pytest.mark.faults
def test_a_trial_that_gets_no_cpu_is_given_up_and_not_held_against_the_release(
    publisher, in_pythons_place, monkeypatch
):
    in_pythons_place("exec sleep 60")
    monkeypatch.setattr("edge_runtime.releases.selftest.SECONDS", 0.2)
    with pytest.raises(ReleaseError, match="no answer within 0 s, nor the CPU time") as caught:
        tried_apart(publisher.folder)
    assert type(caught.value) is ReleaseError


@pytest.mark.faults
def test_the_kernel_ends_a_trial_that_spins(publisher):
    """The real program, in which reading the known queries never ends."""
    spinning = (
        "import sys, edge_runtime.releases.selftest as selftest\n"
        "def tried_here(folder):\n    while True: pass\n"
        "selftest.CPU_SECONDS, selftest.tried_here = 1, tried_here\n"
        "sys.exit(selftest.main(sys.argv[1:]))"
    )
    done = subprocess.run([sys.executable, "-c", spinning, publisher.folder], check=False, timeout=60)
    assert done.returncode == -signal.SIGXCPU
