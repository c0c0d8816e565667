"""The commands of docs/aws.md, as they stand there."""

import importlib
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from pcr_assets import layout
from pcr_assets.cloud import emf
from pcr_assets.settings import load
from pcr_assets_tests.cloud.device_events import EVENTS, lines
from pcr_assets_tests.cloud.shell import by_shell, needs_the_cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "aws.md").read_text()
BUCKET = "training"


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


COMMANDS = [line.partition("#")[0].strip() for block in blocks("sh") for line in block.splitlines() if line.strip()]
MODULES = [command for command in COMMANDS if command.startswith("python -m")]


@pytest.mark.parametrize("command", MODULES)
def test_a_program_runs_as_the_page_says(command, config, s3, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PCR_STORE", str(tmp_path / "store"))
    Path("events.jsonl").write_text("\n".join(lines(EVENTS)))
    told = command.replace("BUCKET", BUCKET).replace("TOPIC_ARN", "arn:aws:sns:us-east-2:123456789012:cards")
    _, _, module, *arguments = shlex.split(told)
    assert importlib.import_module(module).main(arguments) in (0, 3), capsys.readouterr().err
    assert capsys.readouterr().out


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make")])
def test_make_knows_its_targets(command):
    done = subprocess.run(
        ["make", "-n", *shlex.split(command)[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"python -m pcr_assets.{shlex.split(command)[1]}" in done.stdout
    assert ("--apply" in done.stdout) == ("APPLY=1" in command)
    assert "'s3://BUCKET'" in done.stdout


@needs_the_cli
def test_the_aws_cli_copies_the_store_there_and_back(over_http, s3):
    (command,) = [command for command in COMMANDS if command.startswith("aws")]
    there = command.replace("BUCKET", "training").replace("BACKUP", "kept")
    back = there.replace("training", "?").replace("kept", "training").replace("?", "kept")
    s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
    where = {"Bucket": "training", "Key": f"{layout.PROJECT}/metadata/project_manifest.json"}
    s3.put_object(**where, Body=b"{}")
    by_shell(there)
    s3.delete_object(**where)
    by_shell(back)
    assert s3.get_object(**where)["Body"].read() == b"{}"


def test_the_query_of_the_manifest_finds_its_fields(config, tmp_path):
    fields = re.search(r"map_values\(\{([^}]*)\}\)", PAGE)[1].split(", ")
    models = json.loads((tmp_path / "store" / layout.PROJECT / "metadata/project_manifest.json").read_text())["models"]
    assert all(field in model for model in models.values() for field in fields)


def test_the_profile_of_the_page_is_one(tmp_path, monkeypatch):
    from pcr_assets.assets.settings import check

    (profile,) = blocks("yaml")
    (tmp_path / "mine.yaml").write_text(profile)
    check(load(str(tmp_path / "mine.yaml")), "records")


def test_the_line_of_the_page_is_a_measure():
    (line,) = blocks("json")
    assert [(m.name, m.value, m.dimensions) for m in emf.read([line], "the page")] == [
        ("LatencyMs", 41.5, (("Device", "pi5-01"),)),
        ("LatencyMs", 41.5, ()),
    ]
