"""What stands on an asset's page, and in the event log for good: bounded, however many sets there are."""

from pcr_assets.assets import show
from pcr_assets.assets.declare import MOST_LINES, worth_saying


def records(table):
    return [record.data for record in table.value.records]


def test_a_table_of_a_few_sets_has_them_all():
    assert records(show.counts({"base1": 2, "base2": 1}, "scans")) == [
        {"set": "base1", "scans": 2},
        {"set": "base2", "scans": 1},
    ]


def test_of_ten_thousand_sets_the_first_are_shown_and_the_others_counted():
    sets = {f"set{number}": number for number in range(10_000)}
    for table in (
        show.counts(sets, "scans"),
        show.rows({name: {"scans": number} for name, number in sets.items()}, "set"),
        show.listed({"set": name, "scans": number} for name, number in sets.items()),
    ):
        *first, last = records(table)
        assert first[-1] == {"set": "set199", "scans": 199}
        assert last == {"set": "and 9,800 more", "scans": None}
        assert len(table.value.schema.columns) == 2


def test_numbers_of_a_table_have_the_digits_that_are_read():
    assert records(show.listed([{"recall@1": 2 / 3}])) == [{"recall@1": 0.6667}]


def test_a_step_of_few_pieces_tells_of_each():
    assert all(worth_saying(number, 150) for number in range(1, 151))


def test_a_step_of_many_pieces_tells_of_some_and_of_the_last():
    for total in (201, 399, 10_000, 10_001):
        told = [number for number in range(1, total + 1) if worth_saying(number, total)]
        assert MOST_LINES / 2 <= len(told) <= MOST_LINES + 1
        assert told[-1] == total


def test_of_nothing_there_is_a_line_and_no_table():
    """As of the sets, where every scan is in quarantine."""
    assert show.rows({}, "set").value == show.counts({}, "scans").value == show.listed([]).value == "none"
