"""Timing on the device: every model of a release, on frames of the release's own cards."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.bench import command
from edge_runtime.bench.frames import SIZE, frame
from edge_runtime.bench.measure import summary
from edge_runtime.cli import main
from edge_runtime.timing import PARTS


def test_each_model_that_can_run_is_timed_and_the_others_say_why_not(
    device, for_chips, no_hailort, capsys, monkeypatch
):
    releases = for_chips("hailo8l").releases
    assert main(["bench", "--json", "--releases", str(releases), "--frames", "4", "--threads", "1"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert "not installed" in results["hailo8l"]["error"]
    fp32 = results["fp32"]
    assert (fp32["engine"], fp32["scans"], fp32["frames"]) == ("onnx", 6, 4)
    assert fp32["named_right"] >= 3, "frames of the release's own pictures are read"
    assert fp32["bytes"]["most"] >= fp32["bytes"]["resident"] > 10**7
    assert 0 < fp32["seconds"]["imports"] < fp32["seconds"]["opened"] < fp32["seconds"]["first answer"]
    spent = fp32["milliseconds"]
    assert set(spent) == {"frame", "bare model", "the rest", *PARTS}
    assert sum(spent[part]["median"] for part in ("find", "rectify", "embed", "search")) > 0

    monkeypatch.setattr(command, "measured", lambda _, name, *__: results[name])
    assert main(["bench", "--releases", str(releases), "--variant", "fp32"]) == 0
    table = capsys.readouterr().out
    assert "fp32 on the processor, 6 scans, 4 frames" in table
    assert "start to first answer" in table


def test_a_release_that_is_not_there_is_said_in_one_sentence(trusted, tmp_path, capsys):
    assert main(["bench", "--releases", str(tmp_path / "gone")]) == 2
    assert "gone" in capsys.readouterr().err


def test_whoever_ends_it_ends_what_measures_too(device):
    """It went on with its frames, on the chip or on each core, after the command was gone."""
    command = [
        sys.executable,
        "-m",
        "edge_runtime.cli",
        "bench",
        "--releases",
        str(device.releases),
        "--frames",
        "9999",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as bench:
        began = Path(f"/proc/{bench.pid}/task/{bench.pid}/children")
        assert (measuring := waited_for(lambda: began.read_text().split()))
        time.sleep(1)  # it reads by now what the other says
        bench.terminate()
        assert bench.wait(60) == 130
    assert waited_for(lambda: not is_running(measuring[0]))


def waited_for(what, seconds=60):
    until = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def is_running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("seed", range(4))
def test_a_card_lies_whole_on_its_frame(scans, seed):
    image = frame(np.full_like(scans["demo-1"], 255), np.random.default_rng(seed))
    assert image.shape == (SIZE[1], SIZE[0], 3)
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    assert edge.max() < 130 < image.max()


def test_the_middle_and_the_slow_end_are_summed_up():
    rows = [{"frame": float(number)} for number in range(1, 102)]
    assert summary(rows) == {"frame": {"median": 51.0, "p95": 96.0}}
