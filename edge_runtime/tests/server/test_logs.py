"""What a line of the log looks like."""

import logging

from edge_runtime.server.logs import AsLine


def test_a_line_for_people_is_one_line_and_a_fault_stands_below_it():
    record = logging.LogRecord("edge_runtime", logging.INFO, "", 0, "left out: %s", ("a\nedge-runtime: b.jpg",), None)
    assert AsLine().format(record) == r"edge-runtime: left out: a\nedge-runtime: b.jpg"
    try:
        raise ValueError("broken")
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    first, *others = AsLine().format(record).splitlines()
    assert first.endswith("b.jpg")
    assert others[0].startswith("Traceback") and others[-1] == "ValueError: broken"
