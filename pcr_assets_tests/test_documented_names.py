"""What a page names is there: options, make's targets and settings, variables, settings of a profile, files, folders."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from pcr_assets_tests.test_documents import PAGES, ROOT, prose

CODE = ("pcr_assets", "edge_runtime/edge_runtime", "edge_runtime/service", "edge_runtime/tests", "docker")
ROOTS = ("", "pcr_assets", "pcr_assets_tests", "edge_runtime", "edge_runtime/edge_runtime", "edge_runtime/tests")
"""Where a page may begin the path of a file of ours."""
MADE = re.compile(r"(data|metadata|models|analytics|experiments|releases|code|sets|fr|dist)/")
"""Below which folders lie files that are made, of a store, an archive or a download."""


def spans(page: Path) -> list[str]:
    """What a page writes as code within its sentences, each in one line."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def commands() -> list[tuple[str, str]]:
    """What each page says to type, in its blocks for a shell and within its sentences."""
    lines = ((page, "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines() + spans(page)) for page in PAGES)
    return [(page.name, command.partition("  #")[0]) for page, found in lines for command in found]


def sources(command: str) -> list[Path]:
    """The files of ours in which the options of a command stand: none for other people's programs."""
    if benchmark := re.search(r"\bbenchmarks/\w+\.py", command):
        return [ROOT / benchmark[0], *(ROOT / "benchmarks").glob("*/*.py")]
    if module := re.search(r"\bpython -m ((?:pcr_assets|edge_runtime)\.[\w.]+)", command):
        file = Path(importlib.util.find_spec(module[1]).origin)
        files = file.parent.glob("*.py") if file.stem == "__init__" else [file]
        return [*files, ROOT / "pcr_assets/command_options.py"]
    if re.search(r"(^|[\s/])edge-runtime [a-z]", command):
        return list((ROOT / "edge_runtime/edge_runtime").rglob("*.py"))
    return []


def test_each_option_of_a_program_of_ours_is_one():
    asked = [
        (page, command, option)
        for page, command in commands()
        for option in re.findall(r"(?<=[\s\[])--[a-z][\w-]*", command)
        if sources(command) and option != "--help"
    ]
    assert len(asked) > 50
    assert not [each for each in asked if not any(f'"{each[2]}"' in file.read_text() for file in sources(each[1]))]


def test_each_target_and_setting_of_make_is_one():
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    known = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    known |= {
        *re.search(r"^TAKEN := (.*)", makefile, re.M)[1].split(),
        *re.search(r"^SOURCES := (.*)", makefile, re.M)[1].split(),
    }
    calls = [
        (page, found[1]) for page, command in commands() if (found := re.match(r"(?:[A-Z_]+=\S+ )*make (.*)", command))
    ]
    calls = [(page, re.sub(r'"[^"]*"', "", call)) for page, call in calls]
    named = [
        (page, word) for page, call in calls for word in re.findall(r"(?<![\w=/.])[A-Za-z-]{2,}(?=[=\s\]]|$)", call)
    ]
    assert len(named) > 100
    assert not [each for each in named if each[1] not in known]


def test_each_variable_of_ours_is_read():
    files = [
        file for folder in CODE for file in (ROOT / folder).rglob("*") if file.suffix not in {".pyc", ".png", ".jpg"}
    ]
    read = "".join(file.read_text() for file in files if file.is_file())
    named = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(r"\b(?:PCR|EDGE)_[A-Z0-9_]+\b(?!…)", page.read_text())
    }
    assert len(named) > 50
    assert not [each for each in named if each[1] not in read]


def unknown(given: dict, known: dict) -> list[str]:
    """The settings that a profile doesn't know."""
    lost = [name for name in given if name not in known]
    deeper = [name for name in given if isinstance(given[name], dict) and isinstance(known.get(name), dict)]
    return lost + [f"{name}.{below}" for name in deeper for below in unknown(given[name], known[name])]


def test_each_setting_of_a_profile_is_one():
    known = yaml.safe_load((ROOT / "pcr_assets/profiles/embedded.yaml").read_text()) | {"extends": "embedded"}
    shown = [(page.name, block) for page in PAGES for block in blocks(page, "yaml")]
    shown += [(page.name, span) for page in PAGES for span in spans(page) if re.fullmatch(r"[a-z_]+: \{.+: .+\}", span)]
    assert len(shown) > 10
    assert [(page, lost) for page, text in shown if (lost := unknown(yaml.safe_load(text), known))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_file_of_ours_is_there(page):
    paths = [
        span for span in spans(page) if re.fullmatch(r"[\w.-]+(/[\w.-]+)+\.(py|ya?ml|json|sh|md|Dockerfile)", span)
    ]
    assert not [
        path for path in paths if not MADE.match(path) and not any((ROOT / root / path).exists() for root in ROOTS)
    ]


def test_each_folder_of_the_code_has_its_row():
    rows = (ROOT / "CONTRIBUTING.md").read_text()
    folders = [file.parent.name for root in CODE[:2] for file in (ROOT / root).glob("*/__init__.py")]
    assert len(folders) > 30
    assert not [folder for folder in folders if not re.search(rf"[`/]{folder}/", rows)]
