"""The table of docs/reliability.md: each test that it names is there, and is run by the command that the page gives."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = {"In the pipeline": "pcr_assets_tests", "On the device": "edge_runtime/tests"}
PAGE = (ROOT / "docs/reliability.md").read_text()


def rows() -> list[tuple[str, list[tuple[Path, str]]]]:
    """Each fault with the files and parts of names (between two ``…``, of the file last named) of its tests; "" is any."""
    found, folder, file = [], "", Path()
    for line in PAGE.splitlines():
        if line.startswith("## "):
            folder = FOLDERS.get(line.removeprefix("## "), "")
        elif folder and line.startswith("| ") and not line.startswith("| fault "):
            fault, _, cell = line.strip("| ").split(" | ")
            tests: list[tuple[Path, str]] = []
            for word in re.findall("`([^`]+)`", cell):
                if word.endswith(".py"):
                    file = next(path for path in (ROOT / folder / word, ROOT / word) if path.is_file())
                    tests.append((file, ""))
                else:
                    tests = [test for test in tests if test != (file, "")]
                    tests.append((file, word.strip("…").partition("…")[0]))
            found.append((fault, tests))
    return found


def marks_in(file: Path) -> dict[str, bool]:
    """The tests of a file, and whether they are marked as faults."""
    tree = ast.parse(file.read_text())
    marks = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign)]
    all_of_them = file.parent == Path(__file__).parent or "pytestmark = pytest.mark.faults" in marks
    return {
        node.name: all_of_them or "pytest.mark.faults" in map(ast.unparse, node.decorator_list)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_fault_of_the_table_is_done_by_the_command_of_the_page():
    assert "pytest -m faults" in PAGE
    for fault, named in rows():
        assert named, f"{fault}: no test is named"
        for file, part in named:
            found = {name: marked for name, marked in marks_in(file).items() if part in name}
            assert found, f"{fault}: {file.name} has no test …{part}…"
            left_out = [name for name, marked in found.items() if not marked]
            assert not left_out if part else any(found.values()), f"{fault}: not marked as faults: {left_out}"


def test_the_page_counts_its_faults():
    assert PAGE.split("\n\n")[1].startswith(f"{len(rows())} faults, ")
