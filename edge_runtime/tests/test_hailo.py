"""The driver, against the strict double of HailoRT: what it computes, how it keeps the chip busy, and what goes wrong."""

import gc
import os
import sys
import threading

import numpy as np
import pytest
from drawn import block_average_model, write_hef

from edge_runtime.embedder import EmbedderError, OnnxEmbedder
from edge_runtime.hailo import connection
from edge_runtime.hailo.chip import find_chip, temperature
from edge_runtime.hailo.embedder import HailoEmbedder
from edge_runtime.hailo.faults import MEANINGS, HailoFault, fault_of

CARDS = np.random.default_rng(0).integers(0, 256, (11, 112, 80, 3), np.uint8)


@pytest.fixture
def embedder(board, hef):
    with HailoEmbedder(hef, timeout=0.5, pauses=(0, 0)) as opened:
        yield opened


def test_cards_become_the_unit_vectors_of_the_same_model_on_the_processor(embedder, tmp_path):
    vectors = embedder.embed(CARDS)
    assert (embedder.input_size, embedder.dim) == ((80, 112), 192)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(
        vectors, OnnxEmbedder(block_average_model(tmp_path / "fp32.onnx")).embed(CARDS), atol=1e-5
    )


@pytest.mark.parametrize("count", [0, 1, connection.IN_FLIGHT, connection.IN_FLIGHT + 1, 11])
def test_each_card_gets_its_own_vector_however_many_there_are(embedder, count):
    alone = [embedder.embed(card[None])[0] for card in CARDS[:count]]
    np.testing.assert_array_equal(embedder.embed(CARDS[:count]), np.reshape(alone, (count, 192)))


def test_several_jobs_are_on_their_way_but_never_more_than_the_bound(embedder, board):
    embedder.embed(CARDS)
    assert 1 < board.most_in_flight <= connection.IN_FLIGHT


def test_a_shorter_queue_is_never_overrun(board, hef):
    board.queue = 2
    with HailoEmbedder(hef) as embedder:
        assert len(embedder.embed(CARDS)) == 11
    assert board.most_in_flight <= 2


def test_the_model_is_configured_once_for_all_calls(embedder, board):
    for _ in range(3):
        embedder.embed(CARDS[:2])
    assert (board.opened, board.configured) == (1, 1)


def test_threads_take_turns(embedder):
    expected, found = embedder.embed(CARDS), {}
    threads = [
        threading.Thread(target=lambda row: found.setdefault(row, embedder.embed(CARDS[row:])), args=(row,))
        for row in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 1, 2, 3]
    for row, vectors in found.items():
        np.testing.assert_array_equal(vectors, expected[row:])


def test_pictures_laid_out_backwards_in_memory_are_taken_as_they_look(embedder):
    backwards = np.ascontiguousarray(CARDS[:, ::-1])[:, ::-1]
    np.testing.assert_array_equal(embedder.embed(backwards), embedder.embed(CARDS))


def test_closing_gives_the_chip_back_in_order_and_only_once(board, hef):
    embedder = HailoEmbedder(hef)
    assert list(board.groups) == [connection.GROUP]
    embedder.close()
    embedder.close()
    assert board.groups == {}
    assert board.early_releases == 0


def test_a_program_that_forgets_to_close_gives_the_chip_back_too(board, hef):
    HailoEmbedder(hef).embed(CARDS)
    gc.collect()
    assert board.groups == {}
    assert board.early_releases == 0


def test_another_user_of_the_group_in_this_process_shares_the_chip(embedder, hef, board):
    with HailoEmbedder(hef) as second:
        np.testing.assert_array_equal(second.embed(CARDS), embedder.embed(CARDS))
    assert board.opened == 2


@pytest.mark.parametrize("cards", [np.zeros((1, 80, 112, 3), np.uint8), np.zeros((1, 112, 80, 3), np.float32)])
def test_cards_of_another_size_or_type_are_refused(embedder, cards):
    with pytest.raises(EmbedderError, match="takes uint8 N×112×80×3"):
        embedder.embed(cards)


def test_a_process_that_did_not_open_the_chip_is_told_so(embedder, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(EmbedderError, match="opened by another process"):
        embedder.embed(CARDS)


@pytest.mark.parametrize("scale", [float("nan"), 0.0])
def test_vectors_that_have_no_direction_are_refused(board, tmp_path, scale):
    hef = write_hef(tmp_path / "broken.hef", output_scale=scale)
    with HailoEmbedder(hef) as embedder, pytest.raises(EmbedderError, match="not finite, or zeros"):
        embedder.embed(CARDS)


# What goes wrong at the start.


def set_board(**values):
    def apply(board):
        for name, value in values.items():
            setattr(board, name, value)

    return apply


@pytest.mark.parametrize(
    ("wrong", "meaning", "cure"),
    [
        (set_board(driver="4.20.0"), "different versions", "apt install --reinstall hailo-all"),
        (set_board(held_by_another=True), "another program holds", "fuser -v /dev/hailo0"),
        (set_board(arch="HAILO10H"), "for another chip", "publish a release"),
        (set_board(lost_after=0), "was lost", "dmesg"),
    ],
)
def test_a_chip_that_can_not_be_opened_says_why_and_what_to_do(board, hef, wrong, meaning, cure):
    wrong(board)
    with pytest.raises(HailoFault, match=meaning) as refused:
        HailoEmbedder(hef)
    assert cure in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("content", "meaning"), [(b"<html>", "HEF is damaged"), (None, "can't be opened")])
def test_a_file_that_is_no_hef_is_refused(board, tmp_path, content, meaning):
    path = tmp_path / "student.hef"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(HailoFault, match=meaning):
        HailoEmbedder(path)
    assert board.groups == {}


def test_a_model_of_another_product_is_refused(board, tmp_path):
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8, 8, 4]) for name in ("image", "heatmap")]
    graph = helper.make_graph([helper.make_node("Abs", ["image"], ["heatmap"])], "abs", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path = tmp_path / "other.hef"
    path.write_bytes(b'PCR-SIMULATED-HEF\n{"arch": "hailo8l"}\n' + model.SerializeToString())
    with pytest.raises(EmbedderError, match="a model of this product makes D numbers"):
        HailoEmbedder(path)
    assert board.groups == {}


def test_without_the_package_the_message_says_what_to_install(no_hailort, hef):
    with pytest.raises(HailoFault, match=r"not installed.*apt install dkms hailo-all.*--system-site-packages"):
        HailoEmbedder(hef)


def test_a_package_that_can_not_be_loaded_says_so(tmp_path, monkeypatch, board):
    (tmp_path / "hailo_platform.py").write_text('raise ImportError("version (4.23.0) does not match (4.20.0)")')
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.startswith("hailo_platform")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(HailoFault, match=r"can't be loaded \(version \(4.23.0\) does not match"):
        find_chip()


def test_a_machine_without_a_chip_says_so(board):
    board.present = False
    with pytest.raises(HailoFault, match="no Hailo chip is found"):
        find_chip()


@pytest.mark.parametrize(("arch", "runs"), [("HAILO8", ("hailo8", "hailo8l")), ("HAILO8L", ("hailo8l",))])
def test_a_chip_says_which_models_it_runs(board, arch, runs):
    board.arch = arch
    assert find_chip().runs == runs


def test_the_temperature_is_that_of_the_hotter_sensor(embedder, board):
    board.temperature = 61.5
    assert temperature() == 61.5


# What goes wrong later.


def test_a_chip_that_was_lost_is_opened_again_and_the_cards_are_asked_again(embedder, board, caplog):
    expected = embedder.embed(CARDS)
    board.lost_after = board.frames + 3
    come_back(board, when=2)
    np.testing.assert_array_equal(embedder.embed(CARDS), expected)
    assert "opening it again" in caplog.text
    assert board.configured == 2


def test_a_card_that_was_lost_with_the_chip_never_gets_the_vector_of_the_one_before(embedder, board):
    expected = embedder.embed(CARDS[1:2])
    embedder.embed(CARDS[:1])
    board.lost_after = board.frames
    come_back(board, when=1)
    np.testing.assert_array_equal(embedder.embed(CARDS[1:2]), expected)


def test_a_fault_that_does_not_pass_is_not_waited_for(embedder, board, caplog):
    embedder.close()
    board.held_by_another = True
    with pytest.raises(HailoFault, match=r"student\.hef: another program holds"):
        embedder.embed(CARDS)
    assert caplog.messages == []


def come_back(board, when):
    """The chip answers again at the attempt of this number to open it."""
    take, attempts = board.take, []

    def counting(group):
        attempts.append(group)
        if len(attempts) == when:
            board.lost_after = None
        take(group)

    board.take = counting


def test_a_chip_that_stays_away_is_an_error_and_found_when_it_is_back(embedder, board):
    expected = embedder.embed(CARDS)
    board.lost_after = board.frames
    with pytest.raises(HailoFault, match=r"does not come back.*dmesg"):
        embedder.embed(CARDS)
    with pytest.raises(HailoFault, match=r"was lost"):
        embedder.embed(CARDS)
    board.lost_after = None
    np.testing.assert_array_equal(embedder.embed(CARDS), expected)


def test_a_chip_that_falls_silent_again_after_it_was_opened_anew_is_an_error(board, hef):
    with HailoEmbedder(hef, timeout=0.05, pauses=(0,)) as embedder:
        board.silent = True
        with pytest.raises(HailoFault, match="gave no answer in time"):
            embedder.embed(CARDS)
        assert board.configured == 2
        board.silent = False
        assert len(embedder.embed(CARDS)) == 11
    assert board.early_releases == 0


def test_a_hot_chip_is_named_as_the_likely_reason(board, hef):
    with HailoEmbedder(hef, timeout=0.05, pauses=(0,)) as embedder:
        board.silent, board.temperature = True, 104.0
        with pytest.raises(HailoFault, match="the chip is at 104 °C, cool it"):
            embedder.embed(CARDS)


def test_an_interrupt_leaves_no_half_done_jobs_behind(embedder, board, monkeypatch):
    expected = embedder.embed(CARDS)
    with monkeypatch.context() as patched:
        patched.setattr(connection._Slot, "finish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            embedder.embed(CARDS)
    assert board.groups == {}
    np.testing.assert_array_equal(embedder.embed(CARDS), expected)


def interrupted(slot, timeout_ms):
    raise KeyboardInterrupt


def test_every_status_of_the_table_is_one_sentence_with_its_cure():
    for status, (meaning, cure) in MEANINGS.items():
        fault = fault_of(RuntimeError(f"libhailort failed with error: {status} (HAILO_NAME)"))
        assert fault is not None
        assert fault.status == status
        assert str(fault) == f"{meaning} (HailoRT status {status}): {cure}"


def test_a_status_nobody_listed_points_at_the_log():
    fault = fault_of(RuntimeError("libhailort failed with error: 66 (HAILO_TRAFFIC_CONTROL_FAILURE)"))
    assert "HAILO_TRAFFIC_CONTROL_FAILURE" in str(fault)
    assert "hailort.log" in str(fault)


def test_a_defect_of_ours_is_not_explained_away():
    assert fault_of(TypeError("unexpected keyword")) is None
