"""The documents hold together: links lead somewhere, pages can be reached, and docs/api.md tells all that the service answers."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from edge_runtime.server.api import description

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def prose(page: Path) -> str:
    return CODE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings: in small letters, without punctuation, a hyphen for each space."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: Path) -> list[tuple[Path, str]]:
    """The file and the heading that each link of a page leads to; links out of the project are not looked at."""
    found = (link.partition("#") for link in LINK.findall(prose(page)) if "://" not in link)
    return [((page.parent / path).resolve() if path else page, heading) for path, _, heading in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_somewhere(page):
    lost = [path for path, _ in links(page) if not path.exists()]
    lost += [f"{path.name}#{heading}" for path, heading in links(page) if heading and heading not in anchors(path)]
    assert not lost


def test_each_page_is_reached_from_the_readme():
    reached, waiting = set(), [PAGES[0]]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            waiting += [path for path, _ in links(page)]
    assert not set(PAGES) - reached


def test_each_benchmark_is_listed_with_a_dot_where_make_bench_asks_it():
    rows = [line for line in (ROOT / "benchmarks/README.md").read_text().splitlines() if line.startswith("| ")]
    listed = {row: set(re.findall(r"`(\w+)\.py`", row)) for row in rows}
    scripts = {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - {"bench"}
    assert set().union(*listed.values()) == scripts
    planned = re.findall(r'Benchmark\(\s*"(\w+)"', (ROOT / "benchmarks/scorecard/plan.py").read_text())
    assert sorted(planned) == sorted(name for row, names in listed.items() if row.startswith("| •") for name in names)


def test_what_an_example_imports_of_ours_is_there():
    examples = (block for page in PAGES for block in CODE.findall(page.read_text()) if block.startswith("```python"))
    imported = [
        (node.module, name.name)
        for example in examples
        for node in ast.walk(ast.parse(example.strip("`").removeprefix("python")))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(("edge_runtime", "pcr_assets"))
        for name in node.names
    ]
    assert imported
    assert [each for each in imported if not is_there(*each)] == []


def is_there(module: str, name: str) -> bool:
    """Whether a module has something of this name: its own, or a module below it."""
    return hasattr(importlib.import_module(module), name) or importlib.util.find_spec(f"{module}.{name}") is not None


def test_each_picture_of_the_documents_is_shown():
    shown = {path for page in PAGES for path, _ in links(page)}
    assert not set((ROOT / "docs/images").iterdir()) - shown


def test_each_page_that_the_code_names_exists():
    named = {
        (source.name, page)
        for folder in ("pcr_assets", "edge_runtime/edge_runtime", "benchmarks", "docker")
        for source in (ROOT / folder).rglob("*")
        if source.suffix in {".py", ".yaml", ".sh", ".html"}
        for page in re.findall(r"\bdocs/\w+\.md", source.read_text())
    }
    assert not [(source, page) for source, page in named if not (ROOT / page).exists()]


API = (ROOT / "docs/api.md").read_text()


def test_the_page_of_the_api_names_each_address():
    told = {(method.upper(), path) for path, methods in description()["paths"].items() for method in methods}
    assert not [(method, path) for method, path in told if f"`{method} {path}`" not in API]


def test_each_line_of_the_page_asks_an_address_of_the_api():
    known = [re.sub(r"\{\w+\}", "[^/]+", path) for path in description()["paths"]]
    asked = re.findall(r"^curl.*http://[\w.:]+(/[^\s'?]*)", API, re.MULTILINE)
    assert len(asked) > 10
    assert not [path for path in asked if not any(re.fullmatch(each, path) for each in known)]


def test_the_page_lists_each_refusal():
    sources = (ROOT / "edge_runtime/edge_runtime/server").glob("*.py")
    raised = {found for source in sources for found in re.findall(r'Refused\((\d+), "([a-z ]+)"', source.read_text())}
    rows = dict(re.findall(r"^\| (\d{3}) \| (.*?) \|", API, re.MULTILINE))
    assert len(raised) > 10
    assert not [(status, reason) for status, reason in raised if f"`{reason}`" not in rows.get(status, "")]


def test_the_page_of_serving_names_each_metric():
    sources = [(ROOT / "edge_runtime/edge_runtime/server" / name).read_text() for name in ("metrics.py", "service.py")]
    named = {name for source in sources for name in re.findall(r'"(edge_[a-z_]+)"', source)}
    page = (ROOT / "docs/serving.md").read_text()
    assert len(named) > 10
    assert not [name for name in named if f"`{name}`" not in page and f"`{name}_total`" not in page]
