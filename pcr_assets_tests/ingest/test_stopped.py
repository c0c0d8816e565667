"""What is there when a run was killed or stopped, and what the next one still fetches."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from pcr_assets.command_options import INTERRUPTED
from pcr_assets_tests.ingest.published import (
    drips,
)


class Run:
    """The command as a program of its own, which can be killed."""

    def __init__(self, raw, published):
        call = [sys.executable, "-m", "pcr_assets.ingest", "--cards", str(raw.folder), "--api", published.api]
        self.raw = raw
        self.process = subprocess.Popen(
            [*call, "--rate", "1000", "--workers", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait_for(self, count: int) -> None:
        """Until so many scans are there."""
        for _ in range(3000):
            if len(self.raw.files) >= count:
                return
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)
        raise AssertionError(f"{count} scans did not come")


@pytest.mark.faults
@pytest.mark.parametrize("moment", [1, 7])
def test_a_run_killed_at_any_moment_is_gone_on_with_and_nothing_is_fetched_twice(raw, published, moment):
    published.put("base1", *(f"Card {number}" for number in range(16)))
    published.delay = 0.1
    run = Run(raw, published)
    run.wait_for(moment)
    run.process.send_signal(signal.SIGKILL)
    run.process.wait()
    for key in raw.files:
        card = published.path_of(key.partition("_")[0])
        assert (raw.folder / key).read_bytes() == published.answer(card)[2]
    there, asked = {published.path_of(key.partition("_")[0]) for key in raw.files}, published.pictures_asked_for()

    published.delay = 0.0
    assert raw.ingest() == 0
    assert len(raw.files) == 16
    assert [row["card_id"] for row in raw.rows] == [f"base1-{number}" for number in range(1, 17)]
    again = published.pictures_asked_for() - asked
    assert not there & set(again)
    assert all(count == 1 for count in again.values())


def test_a_stopped_run_says_so_and_keeps_its_catalogue(raw, published):
    published.put("base1", *(f"Card {number}" for number in range(40)))
    published.delay = 0.3
    run = Run(raw, published)
    run.wait_for(3)
    run.process.send_signal(signal.SIGINT)
    out, err = run.process.communicate(timeout=60)
    assert run.process.returncode == INTERRUPTED
    assert "stopped: what was fetched stays, the next run goes on from there" in err
    assert "Traceback" not in err
    assert f"{len(raw.rows)} fetched" in out
    assert f"{40 - len(raw.rows)} left" in out
    assert {row["path"] for row in raw.rows} <= set(raw.files)
    assert 3 <= len(raw.files) < 40
    published.delay = 0.0
    assert raw.ingest() == 0  # a scan that came while the run was stopping gets its row now
    assert {row["path"] for row in raw.rows} == set(raw.files)
    assert len(raw.files) == 40


def test_stopping_does_not_wait_for_a_dripping_answer(raw, published, one_card):
    from pcr_assets.ingest.client import Client, Manners
    from pcr_assets.ingest.pace import Stopped
    from pcr_assets.ingest.pictures import picture

    published.goes_wrong(one_card, drips)
    with Client(Manners(rate=1000), plain=True) as client:
        threading.Timer(0.3, client.stop).start()
        started = time.monotonic()
        with pytest.raises(Stopped):
            client.get(published.root + one_card, picture, 1 << 20)
        assert time.monotonic() - started < 20
