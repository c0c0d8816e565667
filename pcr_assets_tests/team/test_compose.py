"""What is known of docker/ without Docker: it fits the schema, starts what the image installs, keeps to loopback, holds no key."""

import re
import shutil
import stat
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml

from pcr_assets_tests.team.compose import DOCKER, OURS, SERVICES, commands, settings

BIN = Path(sys.executable).parent


def ran(*command: str | Path, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_compose_fits_the_schema():
    result = ran(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DOCKER / "compose.yaml")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    "name", ["pipeline.Dockerfile", "edge.Dockerfile", "inference.Dockerfile", "training.Dockerfile"]
)
def test_hadolint_finds_nothing(name):
    result = ran(BIN / "hadolint", DOCKER / name)
    assert result.returncode == 0, result.stdout


def test_every_variable_has_a_default_or_is_filled_in():
    asked = (DOCKER / ".env.example").read_text()
    for name, rest in settings().items():
        assert re.search(rf"^#?{name}=", asked, re.MULTILINE), f"{name} is not in .env.example"
        assert rest.startswith((":-", ":?")), f"{name} has no default and no sentence that asks for it"


def test_keys_have_no_default_and_the_example_holds_none():
    filled = dict(re.findall(r"^(\w+)=(.*)$", (DOCKER / ".env.example").read_text(), re.MULTILINE))
    keys = {name for name, rest in settings().items() if rest.startswith(":?")}
    assert keys == {name for name in settings() if re.search("KEY|PASSWORD|SECRET", name)}
    assert filled == dict.fromkeys(keys, "")
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if re.search("KEY|PASSWORD|SECRET", name):
                assert re.fullmatch(r"\$\{\w+:\?[^}]*\}", value), name


def test_make_env_makes_up_every_key_for_its_owner_alone_and_never_twice(tmp_path):
    for name in ("make_env.sh", ".env.example"):
        shutil.copy(DOCKER / name, tmp_path)
    assert ran("sh", tmp_path / "make_env.sh").returncode == 0
    made = tmp_path / ".env"
    keys = re.findall(r"^PCR_\w+=([0-9a-f]{48})$", made.read_text(), re.MULTILINE)
    assert len(set(keys)) == len(keys) == 3
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    before = made.read_bytes()
    again = ran("sh", tmp_path / "make_env.sh")
    assert again.returncode == 1
    assert "keep it" in again.stderr
    assert made.read_bytes() == before


def test_the_keys_are_ignored_by_git_and_left_out_of_the_image():
    assert ran("git", "check-ignore", "docker/.env", cwd=DOCKER.parent).returncode == 0
    assert ran("git", "check-ignore", "docker/.env.example", cwd=DOCKER.parent).returncode == 1
    taken = (DOCKER.parent / ".dockerignore").read_text().splitlines()
    assert taken[1] == "*"
    assert "!docker/.env" not in taken


def test_ports_are_open_on_loopback_only():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_nothing_runs_as_root_or_may_become_it():
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert name in OURS or service["user"] not in {"root", "0"}
    assert "\nUSER 1000\n" in (DOCKER / "pipeline.Dockerfile").read_text()


def test_images_of_others_are_pinned():
    images = [service["image"] for name, service in SERVICES.items() if name not in OURS]
    assert all(re.fullmatch(r"[\w/]+:\d+\.\d+", image) for image in images), images


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_what_the_image_installs(name):
    scripts = {script.name for script in entry_points(group="console_scripts")}
    dockerfile = (DOCKER / "pipeline.Dockerfile").read_text()
    checks = [SERVICES[name]["healthcheck"]["test"][1:]] if "healthcheck" in SERVICES[name] else []
    for program, *arguments in [*commands(name), *checks]:
        assert program in scripts | {"python"}
        for file in re.findall(r"/opt/pcr/(\S+)", " ".join(arguments)):
            assert f"docker/{file}" in dockerfile


def test_the_image_takes_only_files_that_the_build_is_given():
    given = [line[1:] for line in (DOCKER.parent / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for line in re.findall(r"^COPY (.*)$", (DOCKER / "pipeline.Dockerfile").read_text(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (DOCKER.parent / source).exists(), source
            assert any(Path(source).is_relative_to(part) for part in given), source


def test_webserver_and_daemon_look_for_the_code_where_it_listens():
    (location,) = yaml.safe_load((DOCKER / "workspace.yaml").read_text())["load_from"]
    served = commands("code")[-1]
    grpc = location["grpc_server"]
    assert grpc["host"] == SERVICES["code"]["hostname"] == "code" == commands("code")[0][-1]
    assert str(grpc["port"]) == served[served.index("-p") + 1]
    assert grpc["location_name"] == served[served.index("--location-name") + 1]


def test_every_service_that_others_wait_for_says_when_it_is_ready():
    for service in SERVICES.values():
        for awaited, when in service.get("depends_on", {}).items():
            ready = "service_healthy" if "healthcheck" in SERVICES[awaited] else "service_completed_successfully"
            assert when == {"condition": ready}, awaited


def test_volumes_hide_no_file_of_the_image():
    mounts = {mount.partition(":")[2] for name in OURS for mount in SERVICES[name].get("volumes", [])}
    assert mounts == {"/opt/dagster/work", "/opt/dagster/keys"}
