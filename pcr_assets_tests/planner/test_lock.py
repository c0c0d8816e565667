"""What tells others that a run lives, and what of it is left of one that was killed."""

import fcntl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pcr_assets.planner.lock import lives, living

RUN = "b7c5c1a2-0000-0000-0000-000000000000"
KILLED = "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); time.sleep(60)"


@pytest.fixture
def instance(world):
    return world.instance


@pytest.fixture
def folder(instance):
    made = Path(instance.root_directory, "living")
    made.mkdir()
    return made


@pytest.mark.faults
def test_the_file_of_a_run_that_was_killed_goes_with_the_next_refresh_and_that_of_one_that_lives_stays(
    world, instance, folder
):
    """One that was ended by force is closed already, so that nobody asks after it any more."""
    lock = folder / f"{RUN}.lock"
    process = subprocess.Popen([sys.executable, "-c", KILLED, lock], stdout=subprocess.PIPE)
    process.stdout.readline()
    world.refresh("cards")
    assert lives(instance, RUN) and lock.exists()
    process.kill()
    process.communicate()
    assert lock.exists()
    world.refresh("cards")
    assert list(folder.iterdir()) == []


def test_asking_after_a_run_leaves_no_file(instance, folder):
    (folder / f"{RUN}.lock").touch()
    assert not lives(instance, RUN)
    assert not lives(instance, RUN)
    assert list(folder.iterdir()) == []


@pytest.mark.faults
def test_a_run_that_begins_while_the_file_of_its_name_is_removed_is_still_seen_to_live(instance, folder):
    """It waited for the lock of a file that was gone when it had it: a lock that keeps nobody out."""
    lock, over = folder / f"{RUN}.lock", threading.Event()

    def run():
        with living(instance, RUN):
            over.wait(20)

    beginning = threading.Thread(target=run)
    with lock.open("a") as asking:
        fcntl.flock(asking, fcntl.LOCK_EX)
        beginning.start()
        time.sleep(0.3)  # it has opened the file, and waits
        lock.unlink()
    until = time.monotonic() + 10
    while not lives(instance, RUN) and time.monotonic() < until:
        time.sleep(0.01)
    seen = lives(instance, RUN)
    over.set()
    beginning.join()
    assert seen
    assert not lives(instance, RUN)
    assert list(folder.iterdir()) == []
