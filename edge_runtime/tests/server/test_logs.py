"""What a line of the log looks like."""

import logging

from edge_runtime.server.logs import AsLine, set_up


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


def test_clients_that_go_in_the_midst_of_an_answer_do_not_fill_the_log(capsys):
    set_up("human")
    logging.getLogger("asyncio").warning("socket.send() raised exception.")
    logging.getLogger("asyncio").error("Task exception was never retrieved")
    assert capsys.readouterr().err == "edge-runtime: Task exception was never retrieved\n"
