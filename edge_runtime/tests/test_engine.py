"""Which model answers, why, and from a photo to a name on each of them."""

import logging
from types import SimpleNamespace

import pytest

from edge_runtime import cli
from edge_runtime.embedder import EmbedderError
from edge_runtime.engine import ENGINES, open_engine
from edge_runtime.gallery import GalleryError
from edge_runtime.hailo.embedder import HailoEmbedder
from edge_runtime.hailo.faults import HailoFault
from edge_runtime.judging.decide import Status
from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.refusals import ReleaseError
from edge_runtime.releases.release import open_release


def opened(publisher):
    return open_release(publisher.releases, publisher.trusted)


def choose(publisher, *args, **kwargs):
    embedder, _, choice = open_engine(opened(publisher), *args, **kwargs)
    embedder.close()
    return choice


@pytest.fixture
def two_models(publisher):
    """A release with models int8 and fp32 that recommends int8."""
    manifest = publisher.manifest
    manifest["variants"] = {name: manifest["variants"]["fp32"] for name in ("fp32", "int8")}
    manifest["default_variant"] = "int8"
    publisher.publish(publisher.folder, manifest)
    return publisher


@pytest.mark.parametrize("number", range(1, 7))
def test_a_photo_is_named_by_the_chip(board, for_chips, scans, photo_of, number):
    with Recognizer.open(opened(for_chips("hailo8l"))) as recognizer:
        assert isinstance(recognizer.embedder, HailoEmbedder)
        found = recognizer.recognize(photo_of(scans[f"demo-{number}"]))
    assert [(each.card.card_id, each.status) for each in found.cards] == [(f"demo-{number}", Status.CONFIRMED)]
    assert board.frames > 0
    assert board.groups == {}


def test_the_chip_is_taken_where_it_is_and_the_reason_is_said(board, for_chips, caplog):
    caplog.set_level(logging.INFO, "edge_runtime")
    choice = choose(for_chips("hailo8l"))
    assert (choice.engine, choice.variant, choice.chip) == ("hailo", "hailo8l", "hailo8l")
    assert caplog.messages == [
        "model hailo8l on the hailo8l chip: a Hailo chip is here, and the release has a model for it"
    ]
    assert choice.as_json()["reason"] in caplog.messages[0]


@pytest.mark.parametrize(
    ("chip", "archs", "taken"),
    [
        ("HAILO8", ["hailo8l"], "hailo8l"),
        ("HAILO8", ["hailo8l", "hailo8"], "hailo8"),
        ("HAILO8L", ["hailo8", "hailo8l"], "hailo8l"),
        ("HAILO8L", ["hailo8"], "fp32"),
        ("HAILO10H", ["hailo8", "hailo8l"], "fp32"),
    ],
)
def test_the_model_fits_the_chip(board, for_chips, chip, archs, taken):
    board.arch = chip
    assert choose(for_chips(*archs)).variant == taken


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"present": False}, "no Hailo chip is found"),
        ({"driver": "4.20.0"}, "different versions"),
        ({"held_by_another": True}, "another program holds"),
        ({"arch": "HAILO15H"}, "a hailo15h does not run"),
    ],
)
def test_without_a_chip_that_works_the_processor_answers_and_the_reason_is_kept(board, for_chips, wrong, reason):
    for name, value in wrong.items():
        setattr(board, name, value)
    choice = choose(for_chips("hailo8l"))
    assert (choice.engine, choice.variant, choice.chip) == ("onnx", "fp32", None)
    assert reason in choice.reason


def test_without_hailorts_package_the_processor_answers(no_hailort, for_chips):
    choice = choose(for_chips("hailo8l"))
    assert choice.variant == "fp32"
    assert "not installed" in choice.reason


def test_a_release_without_a_model_for_chips_never_touches_one(no_hailort, two_models):
    choice = choose(two_models)
    assert choice.variant == "int8"
    assert "has no model for a Hailo chip: it has fp32, int8" in choice.reason


@pytest.mark.parametrize(("recommended", "taken"), [("fp32", "fp32"), ("int8", "int8"), ("hailo8l", "int8")])
def test_on_the_processor_the_recommended_model_answers_or_else_integers(
    no_hailort, two_models, for_chips, recommended, taken
):
    publisher = for_chips("hailo8l")
    manifest = {**publisher.manifest, "default_variant": recommended}
    publisher.publish(publisher.folder, manifest)
    assert choose(publisher).variant == taken


@pytest.mark.parametrize("engine", ["int8", "fp32"])
def test_an_engine_that_is_asked_for_is_taken_whatever_there_is(board, two_models, for_chips, engine):
    choice = choose(for_chips("hailo8l"), engine)
    assert (choice.engine, choice.variant, choice.reason) == ("onnx", engine, "asked for")
    assert board.opened == 0


def test_an_engine_that_is_asked_for_and_is_not_there_is_an_error(board, publisher, for_chips):
    with pytest.raises(ReleaseError, match="no variant 'int8'"):
        choose(publisher, "int8")
    with pytest.raises(ReleaseError, match="has no model for a Hailo chip: it has fp32"):
        choose(publisher, "hailo")
    with pytest.raises(ReleaseError, match="has models for hailo8, which a hailo8l does not run"):
        choose(for_chips("hailo8"), "hailo")
    board.present = False
    with pytest.raises(HailoFault, match="no Hailo chip is found"):
        choose(for_chips("hailo8l"), "hailo")


def test_a_model_by_its_name_runs_on_its_own_engine(board, for_chips):
    publisher = for_chips("hailo8l", "hailo8")
    assert choose(publisher, variant="fp32").engine == "onnx"
    assert choose(publisher, variant="hailo8l").engine == "hailo"
    with pytest.raises(HailoFault, match="'hailo8' is compiled for hailo8, this chip is a hailo8l"):
        choose(publisher, variant="hailo8")


def test_an_engine_that_nobody_knows_is_refused(publisher):
    with pytest.raises(ValueError, match="one of auto, hailo, int8, fp32"):
        choose(publisher, "gpu")
    manifest = publisher.manifest
    manifest["variants"]["fp32"]["engine"] = "coral"
    publisher.publish(publisher.folder, manifest)
    with pytest.raises(ReleaseError, match="runs on coral, which this edge_runtime has no driver for"):
        choose(publisher, variant="fp32")
    with pytest.raises(ReleaseError, match="no model for a processor"):
        choose(publisher)


def test_a_model_for_the_chip_that_the_manifest_describes_otherwise_is_refused_and_the_chip_freed(board, for_chips):
    publisher = for_chips("hailo8l")
    manifest = publisher.manifest
    manifest["variants"]["hailo8l"]["embedding_dim"] = 64
    publisher.publish(publisher.folder, manifest)
    with pytest.raises(EmbedderError, match="not the model that the manifest describes") as refused:
        choose(publisher)
    assert board.groups == {}, refused


def test_a_model_for_the_chip_whose_index_was_made_with_another_is_refused_and_the_chip_freed(
    board, for_chips, index_of, scans
):
    index_of(for_chips("hailo8l"), {card_id: scan[:, :, ::-1] for card_id, scan in scans.items()}, "hailo8l")
    with pytest.raises(GalleryError, match="the index was not made with this model") as refused:
        Recognizer.open(opened(for_chips()))
    assert board.groups == {}, refused


def test_the_command_names_a_photo_with_the_chip_and_says_so(board, for_chips, photo_file, trusted, capsys, caplog):
    command = ["recognize", "--releases", str(for_chips("hailo8l").releases), photo_file]
    assert cli.main([*command, "--engine", "hailo"]) == 0
    assert "Amber Fox" in capsys.readouterr().out
    assert caplog.messages == ["model hailo8l on the hailo8l chip: asked for"]
    assert board.groups == {}
    board.held_by_another = True
    assert cli.main([*command, "--engine", "hailo"]) == 2
    assert "another program holds the Hailo chip" in capsys.readouterr().err
    assert cli.main([*command, "--engine", "auto"]) == 0


def test_a_chip_that_is_lost_between_photos_is_an_error_of_that_photo(
    board, for_chips, photo_file, trusted, capsys, monkeypatch
):
    monkeypatch.setattr("edge_runtime.hailo.embedder.time", SimpleNamespace(sleep=lambda seconds: None))
    board.lost_after = 5
    releases = str(for_chips("hailo8l").releases)
    assert cli.main(["recognize", "--json", "--engine", "hailo", "--releases", releases, photo_file]) == 1
    assert "does not come back" in capsys.readouterr().out


def test_the_command_offers_every_engine():
    assert cli.ENGINES == ENGINES


def test_engine_and_variant_exclude_each_other(capsys):
    with pytest.raises(SystemExit):
        cli.main(["recognize", "--engine", "int8", "--variant", "fp32", "--releases", "x", "y"])
    assert "not allowed with" in capsys.readouterr().err
