"""The commands of docs/registry.md, docs/inference.md and docs/deployment.md, in their order, as they stand there."""

import importlib
import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from PIL import Image

from pcr_assets import layout
from pcr_assets.assets.settings import check
from pcr_assets.cloud import clients, endpoint, lifecycle, registry, transform
from pcr_assets.project_records import manifest
from pcr_assets.project_records.models import registered
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store
from pcr_assets.serving import archive, batch
from pcr_assets.settings import load
from pcr_assets_tests.cloud.endpoint_double import Cloud
from pcr_assets_tests.cloud.packed import SaidToBeInABucket
from pcr_assets_tests.cloud.shell import by_shell, needs_the_cli
from pcr_assets_tests.project_records.synthetic import built
from pcr_assets_tests.small_model import small_model
from pcr_assets_tests.small_student import painted_cards

ROOT = Path(__file__).parents[2]
PAGES = ("registry", "inference", "deployment")
NOT_OURS = ("docker", "tar", "mkdir", "curl", "pip")
"""Other programs. All that need neither docker nor an installation are asked below, as those of AWS are."""


def blocks(page, kind):
    return re.findall(rf"```{kind}\n(.*?)```", (ROOT / f"docs/{page}.md").read_text(), re.DOTALL)


def commands(page):
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [command for line in lines if (command := line.partition("  #")[0].strip())]


@pytest.fixture
def profile(tmp_path, monkeypatch):
    """The profile of docs/registry.md."""
    (text,) = blocks("registry", "yaml")
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    monkeypatch.setenv("PCR_PROFILE", str(file))
    return file


@pytest.fixture
def cloud(aws, packed_store, profile, tmp_path, monkeypatch):
    """AWS, and a store in a bucket: a folder that gives a bucket's URL, so that it is quick."""
    folder = tmp_path / "store"
    shutil.copytree(packed_store, folder)
    project = SaidToBeInABucket(open_store(str(folder / layout.PROJECT)))
    for module in (registry, endpoint, transform, batch):
        monkeypatch.setattr(
            module, "open_store", lambda root: project if root.endswith(layout.PROJECT) else open_store(root)
        )
    monkeypatch.setenv("PCR_STORE", "s3://training")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.sleep", lambda _: None)
    found = Cloud()
    found.artifacts = Artifacts(project)
    return found


def ours(page):
    return [shlex.split(command)[2:] for command in commands(page) if command.startswith("python -m pcr_assets")]


def run(words):
    module, *arguments = words
    if module.endswith("infrastructure"):
        return 0  # test_infrastructure.py runs it
    return importlib.import_module(module).main(arguments)


def test_the_registrys_commands_run_as_the_page_says(cloud):
    assert [run(words) for words in ours("registry")] == [0] * 5
    book = registered(cloud.artifacts)
    assert book["efficientnet-student-stage2:v1.0"]["status"] == "Approved"
    assert book["dinov3-teacher:v1.0"]["status"] == "Rejected"


def test_the_endpoints_commands_run_as_the_page_says_and_leave_nothing(cloud):
    for line in ("register", "approve efficientnet-student-stage2"):
        assert registry.main(line.split()) == 0
    assert [run(words) for words in ours("deployment")] == [0] * len(ours("deployment"))
    assert cloud.left() == []


def test_the_batches_commands_run_as_the_page_says(cloud, tmp_path, monkeypatch):
    small_model(tmp_path / "small.onnx")
    archive.write(tmp_path / "model.tar.gz", tmp_path / "small.onnx", {})
    (tmp_path / "PICTURES").mkdir()
    Image.fromarray(painted_cards(1)[0]).save(tmp_path / "PICTURES/base1-1.png")
    cloud.artifacts.publish(layout.ONNX, {"student.onnx": tmp_path / "small.onnx"}, digest="a" * 64, numbered=True)
    first, second, third = ours("inference")
    assert (run(first), run(second)) == (0, 0)
    assert Path("vectors.jsonl").exists()
    asked = []
    monkeypatch.setattr(transform, "run", lambda *given, **_: asked.append(given[2:4]))
    monkeypatch.setattr(transform, "gather", lambda *_: iter(()))
    monkeypatch.setattr(transform, "open_store", lambda root: cloud.artifacts.store)
    for line in ("register", "approve efficientnet-student-stage2"):
        assert registry.main(line.split()) == 0
    assert run(third) == 0
    assert asked == [("s3://BUCKET/transforms/pictures", "s3://BUCKET/transforms/today")]


def test_every_other_command_is_of_a_program_that_is_known():
    known = (
        "python -m pcr_assets",
        "python -m edge_runtime.inference",
        "make ",
        "aws ",
        "dagster job execute ",
        *NOT_OURS,
    )
    assert [each for page in PAGES for each in commands(page) if not each.startswith(known)] == []


def test_the_pages_profile_is_one(profile):
    check(load(str(profile)), "serving")


@pytest.mark.parametrize("command", [each for page in PAGES for each in commands(page) if each.startswith("make")])
def test_make_knows_its_targets(command):
    done = subprocess.run(
        ["make", "-n", *shlex.split(command)[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    if "approve" in command:
        assert "python -m pcr_assets.cloud.registry approve 'efficientnet-student-stage2'" in done.stdout


def test_the_pipelines_are_jobs_of_the_code_location():
    from pcr_assets.definitions import build_defs

    names = {job.name for job in build_defs().jobs}
    asked = {command.rpartition(" ")[2] for command in commands("deployment") if command.startswith("dagster")}
    assert asked <= names and len(asked) == 3


# The user's own list, by the real AWS CLI over HTTP.

(CHECKS,) = [block.splitlines() for block in blocks("deployment", "sh") if "list-model-packages" in block]


@pytest.fixture
def account(s3, packed_store, profile, over_http):
    """What the CLI finds: a bucket with a manifest and rules, and registered models."""
    source = Artifacts(open_store(f"{packed_store}/{layout.PROJECT}"))
    registry.register(clients.client("sagemaker"), Artifacts(SaidToBeInABucket(source.store)), load(str(profile)))
    for key, data in manifest.files(built(source)).items():
        s3.put_object(Bucket="training", Key=f"{layout.PROJECT}/{key}", Body=data)
    lifecycle.apply(s3, "training")


@needs_the_cli
@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed: apt install jq")
def test_the_aws_cli_finds_what_was_made(account):
    listed, rules, packages, models = (by_shell(command.replace("BUCKET", "training")) for command in CHECKS)
    assert "project/pokemon-card-recognition/metadata/project_manifest.json" in listed
    assert {rule["ID"] for rule in json.loads(rules)["Rules"]} == {rule["ID"] for rule in lifecycle.wanted()}
    summaries = json.loads(packages)["ModelPackageSummaryList"]
    assert [each["ModelApprovalStatus"] for each in summaries] == ["PendingManualApproval"] * 2
    assert json.loads(models)["dinov3-teacher"] == "PendingManualApproval"


@needs_the_cli
@pytest.mark.filterwarnings("ignore:Tried to parse AWS..SQS..QueuePolicy")
def test_the_aws_cli_makes_the_account_as_the_page_says(over_http, tmp_path, monkeypatch):
    """But for the installation and docker's part. moto tells no outputs of a stack that was made by a change set."""
    monkeypatch.chdir(tmp_path)
    asked = [
        command for command in commands("deployment") if "infrastructure" in command or "cloudformation" in command
    ]
    assert len(asked) == 3
    for command in asked:
        by_shell(command.replace("BUCKET", "cards-of-mine"))
    assert {role["RoleName"] for role in boto3.client("iam").list_roles()["Roles"]} == {"pcr-serving", "pcr-training"}
    assert boto3.client("s3").head_bucket(Bucket="cards-of-mine")
    (login,) = [command for command in commands("deployment") if command.startswith("aws ecr")]
    assert by_shell(login.partition(" | ")[0]).strip()


@needs_the_cli
def test_what_was_overwritten_is_found_among_the_buckets_versions(over_http, s3):
    s3.put_bucket_versioning(Bucket="training", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"first", b"second"):
        s3.put_object(Bucket="training", Key="a/b", Body=body)
    (command,) = re.findall(r"`(aws s3api list-object-versions [^`]*)`", (ROOT / "docs/deployment.md").read_text())
    found = json.loads(by_shell(command.replace("BUCKET", "training").replace("KEY", "a/b")))["Versions"]
    assert [each["IsLatest"] for each in found] == [True, False]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("tar")), reason="curl and tar are not installed")
def test_a_card_is_embedded_over_http_as_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small_model(tmp_path / "small.onnx")
    archive.write(tmp_path / "model.tar.gz", tmp_path / "small.onnx", {})
    Image.fromarray(painted_cards(1)[0]).save(tmp_path / "card.jpg")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    make, unpack, serve, ask = commands("inference")[1:5]
    by_shell(make)
    by_shell(unpack)
    service = subprocess.Popen([sys.executable, *shlex.split(serve)[1:], "--port", str(port)])
    try:
        wait = " --retry 60 --retry-delay 1 --retry-connrefused --silent --show-error"
        answer = json.loads(by_shell(ask.replace(":8080", f":{port}") + wait))
    finally:
        service.terminate()
        service.wait(30)
    (vector,) = answer["embeddings"]
    assert abs(sum(value * value for value in vector) - 1) < 1e-3
