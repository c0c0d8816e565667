"""The sensor's cursor: its size, and what it makes of many sets."""

import hashlib

import pytest

from pcr_assets.automation.memory import GROUPS, Memory, group_of
from pcr_assets.automation.watch import Watch
from pcr_assets.cards.tally import BITS, Tally

WATCH = Watch(quiet_seconds=60)


def sets_of(count: int, salt: str = "") -> dict[str, Tally]:
    """Sets with digests as hard to compress as real ones."""
    names = [f"swsh{number}pt{number % 7}" for number in range(count)]
    return {
        name: Tally(80, int(hashlib.sha256(f"{name}{salt}".encode()).hexdigest(), 16) % (1 << BITS)) for name in names
    }


def asked_for(sets: dict[str, Tally]) -> Memory:
    memory = Memory().seen(sets, 0)
    return memory.asking(memory.ripe(60, WATCH))


@pytest.mark.parametrize(("sets", "kilobytes"), [(200, 4), (10_000, 8)])
def test_the_cursor_is_small_at_rest_however_many_sets_there_are(sets, kilobytes):
    assert len(asked_for(sets_of(sets)).as_text()) < kilobytes * 1024


@pytest.mark.parametrize("sets", [200, 10_000])
def test_the_cursor_stays_small_while_every_set_moves(sets):
    moving = asked_for(sets_of(sets)).seen(sets_of(sets, "replaced"), 100.25)
    assert len(moving.as_text()) < 20 * 1024


def test_a_cursor_is_read_as_it_was_written():
    memory = asked_for(sets_of(3)).seen(sets_of(4), 7.5).hinted({"base1"}, 8.0)
    assert Memory.of_text(memory.as_text()) == memory


def test_a_set_of_which_the_queue_speaks_again_and_again_is_waited_for_so_long_and_no_longer():
    memory, now = Memory(), 0.0
    while not memory.ripe(now, WATCH):
        assert now <= WATCH.most_seconds
        now += 30
        memory = memory.hinted({"base1"}, now)
    assert now >= WATCH.most_seconds


def test_one_changed_set_of_many_moves_its_group_and_no_other():
    sets = sets_of(10_000)
    memory = asked_for(sets)
    assert len(memory.asked) == GROUPS
    sets["swsh77pt0"] = Tally(81, 1)
    moving = memory.seen(sets, 100).moving
    assert set(moving) == {group_of("swsh77pt0", grouped=True)}


def test_a_set_that_is_gone_is_asked_for_once_and_then_forgotten():
    memory = asked_for(sets_of(3)).seen(sets_of(2), 100)
    (gone,) = memory.ripe(160, WATCH)
    after = memory.asking({gone})
    assert set(after.asked) == set(sets_of(2))
    assert not after.seen(sets_of(2), 200).moving


def test_sets_that_become_too_many_to_name_are_asked_for_once_more():
    memory = asked_for(sets_of(GROUPS)).seen(sets_of(GROUPS + 1), 100)
    assert len(memory.ripe(160, WATCH)) > GROUPS / 2
    assert memory.requests == 1
    again = memory.asking(memory.ripe(160, WATCH)).seen(sets_of(GROUPS + 1), 200)
    assert not again.moving
