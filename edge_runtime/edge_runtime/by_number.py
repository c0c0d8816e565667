"""The order of names that hold numbers, as a person has it."""

import re


def by_number(name: str) -> list[tuple[int, int, str]]:
    """A key to sort by: ``frame2`` comes before ``frame10``."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
