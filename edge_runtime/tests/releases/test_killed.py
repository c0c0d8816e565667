"""What is served when a pull was killed, and what the next one still has to fetch."""

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pulling import Counting, served

from edge_runtime.publishers import FolderPublisher
from edge_runtime.releases.home import Home
from edge_runtime.releases.pull import pull
from edge_runtime.releases.selftest import tried_here


def killed_at(moment: int, source: FolderPublisher, home: Path, roots: list[bytes], **named: Any) -> bool:
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
            pull(source, home, roots, **named)
        finally:
            os._exit(0)
    return os.WIFEXITED(os.waitpid(child, 0)[1])


@pytest.mark.faults
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


@pytest.mark.faults
def test_killed_at_any_moment_a_pull_that_mends_leaves_what_was_served_and_whole(published, home):
    source = FolderPublisher(published.releases)
    pull(source, home, published.trusted)
    moment, lived = 1, False
    while not lived:
        lived = killed_at(moment, source, home, published.trusted, mend=True)
        assert served(home, published).release_id == published.folder.name
        moment += 1
    assert moment > 20


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


@pytest.mark.faults
def test_parts_that_were_fetched_before_a_pull_was_killed_are_not_fetched_again(published, home):
    killed_at(60, FolderPublisher(published.releases), home, published.trusted)
    got = {path.name for path in Home(home).incoming.iterdir() if not path.name.startswith(".")}
    source = Counting(published.releases)
    pull(source, home, published.trusted)
    assert got
    assert not got & set(source.asked)
