"""Clearing beside publishers at work: nothing that they count on goes, and neither waits for the dead."""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pcr_assets import digests
from pcr_assets.gallery.parts import Parts, part_key
from pcr_assets.resources import turns
from pcr_assets.resources.store import StoreError
from pcr_assets.resources.turns import Occupied, clearing, publishing
from pcr_assets.tidy import sweep as sweeping
from pcr_assets_tests.tidy.conftest import Site


def test_nobody_clears_while_somebody_publishes_and_publishers_do_not_wait_for_each_other(site):
    with publishing(site.store), publishing(site.store), pytest.raises(Occupied, match="published to: run again"):
        site.sweep(patience=0)
    assert site.sweep() == []


def test_nobody_publishes_while_somebody_clears(site):
    with (
        clearing(site.store),
        pytest.raises(Occupied, match="cleared by make gc: run again"),
        publishing(site.store, 0),
    ):
        pass
    with publishing(site.store, 0):
        pass


def test_two_never_clear_at_once(site):
    with clearing(site.store), pytest.raises(Occupied, match="cleared by make gc: run again"), clearing(site.store, 0):
        pass


def test_a_publisher_that_counts_on_old_files_of_a_killed_one_finds_them_or_writes_them(site, monkeypatch):
    """It comes to publish what is being cleared away: the same content as an old version's."""
    for letter in "ab":
        site.artifacts.publish("cards", {"x": letter.encode()}, digest=letter * 64)
    look, pool, again = sweeping.unreferenced, ThreadPoolExecutor(1), []

    def looked(*given):
        found = list(look(*given))
        again.append(pool.submit(site.artifacts.publish, "cards", {"x": b"a"}, digest="a" * 64))
        time.sleep(0.5)
        assert not again[0].done(), "it waits until the store is cleared"
        return found

    monkeypatch.setattr(sweeping, "unreferenced", looked)
    assert "version" in site.sweep()
    published = again[0].result(60)
    assert site.artifacts.find("cards") == published
    assert site.artifacts.fetch(published, "x").read_bytes() == b"a"


def test_a_part_that_is_written_again_while_it_is_cleared_away_is_there_in_the_end(site, monkeypatch):
    data = b"of a killed publisher, and of the next"
    site.store.write(part_key(digests.of_bytes(data)), data)
    file = site.artifacts.publish("cards", {"x": data}, digest="a" * 64).files
    look, pool, again = sweeping.unreferenced, ThreadPoolExecutor(1), []

    def looked(*given):
        found = list(look(*given))
        again.append(pool.submit(Parts(site.store).publish, file, site.artifacts.fetch_file))
        time.sleep(0.5)
        return found

    monkeypatch.setattr(sweeping, "unreferenced", looked)
    assert site.sweep() == ["part"]
    again[0].result(60)
    assert site.has_part(data)


def test_a_shard_that_was_cleared_away_before_it_is_named_is_missed_in_one_sentence(site):
    old = site.artifacts.publish("cards", {"x": b"1"}, digest="a" * 64).files
    site.artifacts.publish("cards", {"x": b"2"}, digest="b" * 64)
    site.sweep()
    with pytest.raises(StoreError, match="was cleared away meanwhile: run again"):
        site.artifacts.publish("cards", {}, digest="a" * 64, kept=old)


@pytest.mark.faults
def test_a_killed_publisher_keeps_nobody_waiting(site, monkeypatch):
    site.store.write(f"{turns.PUBLISHING}/mine", _said(turns._here(), _dead()))
    site.store.write(f"{turns.CLEARING}/mine", _said(turns._here(), _dead()))
    assert site.sweep(patience=0) == []
    site.store.write(f"{turns.PUBLISHING}/another machine's", _said("elsewhere", 1))
    with pytest.raises(Occupied):
        site.sweep(patience=0)
    monkeypatch.setattr(turns, "DEAD_SECONDS", -10)
    assert site.sweep(patience=0) == []


PUBLISHES_IN_A_CONTAINER = """
import os, sys
from pcr_assets.resources.store import open_store
from pcr_assets.resources.turns import publishing

number, root = int(sys.argv[1]), sys.argv[2]
while (child := os.fork()) and child != number:
    os.waitpid(child, 0)
if child:
    os.waitpid(child, 0)
elif os.getpid() == number:
    with publishing(open_store(root)):
        print("publishing", flush=True)
        sys.stdin.read()
"""


@pytest.mark.faults
def test_a_publisher_in_a_container_that_is_called_like_this_machine_is_alive(tmp_path):
    """Its number is none of ours, so it was taken for dead, and the store was cleared while it published."""
    site = Site(str(tmp_path / "store"), tmp_path)
    apart = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if not shutil.which("unshare") or subprocess.run([*apart, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a container")
    free = next(number for number in range(50, 10_000) if not Path(f"/proc/{number}").exists())
    program = [*apart, sys.executable, "-c", PUBLISHES_IN_A_CONTAINER, str(free), site.store.root]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as publisher:
        assert publisher.stdout.readline() == "publishing\n"
        with pytest.raises(Occupied, match="published to: run again"):
            site.sweep(patience=0)
        publisher.stdin.close()
    assert site.sweep(patience=0) == []


@pytest.mark.faults
def test_publishers_and_clearing_in_turns_lose_nothing(site):
    """Two publishers go to and fro between contents while the store is cleared again and again."""
    site.later(hours=25)

    def publish(name):
        for turn in range(6):
            data = str(turn % 2).encode()
            site.artifacts.publish(name, {"x": data}, digest=digests.of_bytes(data))

    with ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(publish, name) for name in ("cards", "models/student")]
        while not all(each.done() for each in busy):
            site.sweep(patience=60)
    for each in busy:
        each.result()
    for name in ("cards", "models/student"):
        found = site.artifacts.find(name)
        assert found is not None
        assert site.artifacts.fetch(found, "x").read_bytes() == b"1"


def _said(host, process):
    return json.dumps({"host": host, "process": process}).encode()


def _dead():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert ended.pid != os.getpid()
    return ended.pid
