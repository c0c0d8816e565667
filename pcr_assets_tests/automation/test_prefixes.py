"""With what the keys of each set begin, kept between two ticks of the sensor."""

from pcr_assets.automation.prefixes import FILE, MOST, Prefixes


def test_what_was_kept_is_read_again(tmp_path):
    seen = Prefixes({})
    seen.note("base1", "base1", "base1-4_Charizard.png")
    seen.note("promo", "promo", "4.png")
    seen.write(tmp_path)
    again = Prefixes.read(tmp_path)
    assert again.of(["base1"]) == ["base1-"]
    assert again.of(["promo"]) is None, "its keys have no common beginning"
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_set_whose_keys_begin_in_too_many_ways_is_not_listed_alone():
    seen = Prefixes({})
    for number in range(MOST):
        seen.note("base1", "base1", f"{number}/4.png")
    assert seen.of(["base1"]) == [f"{number}/" for number in range(MOST)]
    seen.note("base1", "base1", "another/4.png")
    assert seen.of(["base1"]) is None


def test_what_the_queue_told_of_while_the_folder_was_listed_stays(tmp_path):
    """It may lie in what had been listed before: a look at the set alone would never see it."""
    told, listed = Prefixes({}), Prefixes({})
    told.note("base1", "base1", "new/4.png")
    told.write(tmp_path)
    listed.note("base1", "base1", "base1-4_Charizard.png")
    listed.end(tmp_path)
    assert Prefixes.read(tmp_path).of(["base1"]) == ["base1-", "new/"]


def test_a_set_that_begins_in_too_many_ways_with_what_the_queue_told_of_is_listed_with_the_whole_folder_once(tmp_path):
    """What the queue had told of was forgotten: a look at the set alone saw no scan there, for a day."""
    told, listed = Prefixes({}), Prefixes({})
    told.note("base1", "base1", "new/4.png")
    told.write(tmp_path)
    for number in range(MOST):
        listed.note("base1", "base1", f"{number}/4.png")
    listed.end(tmp_path)
    assert Prefixes.read(tmp_path).of(["base1"]) is None
    again = Prefixes({})
    again.note("base1", "base1", "0/4.png")
    again.end(tmp_path)
    assert Prefixes.read(tmp_path).of(["base1"]) == ["0/"]


def test_where_the_folder_was_never_listed_as_a_whole_nothing_is_listed_alone():
    told = Prefixes()
    told.note("base1", "base1", "base1-4_Charizard.png")
    assert told.of(["base1"]) is None


def test_ticks_that_can_not_keep_them_leave_nothing_behind(tmp_path):
    """On a full disk a tick comes every half minute: what each left would take the last inodes too."""
    (tmp_path / FILE).mkdir()  # so that writing fails, as it does on a full disk
    for _ in range(3):
        Prefixes({"base1": ["base1-"]}).write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert not Prefixes.read(tmp_path).complete
