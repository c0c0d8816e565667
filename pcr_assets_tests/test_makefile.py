"""What `make` hands to the programs, and what it remembers from one call to the next. Nothing is set up or built."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHIPPED = sorted(path.stem for path in (ROOT / "pcr_assets" / "profiles").glob("*.yaml"))
NAMES = ("STORE", "CARDS", "PHOTOS", "STRANGERS", "PROFILE")
PROGRAM = (
    '#!/bin/sh\necho "runs: $(basename "$0") $*"\nenv | grep -e ^PCR_ -e ^DAGSTER_ -e ^TESTED_\nexit ${EXIT_CODE:-0}\n'
)


class Checkout:
    """A checkout whose environment is set up already, with programs that print what they were given."""

    def __init__(self, folder):
        self.folder = folder
        profiles = [f"pcr_assets/profiles/{name}.yaml" for name in SHIPPED]
        for file in ("setup.py", "edge_runtime/pyproject.toml", "constraints.txt", "own.yaml", *profiles):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).touch()
        for file in ("Makefile", "dagster.yaml"):
            shutil.copy(ROOT / file, folder)
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        for name in ("python", "dagster", "edge-runtime", "pytest"):
            (programs / name).write_text(PROGRAM)
            (programs / name).chmod(0o755)
        (folder / ".venv" / ".ready").touch()
        (folder / ".venv" / "device").mkdir()
        (folder / ".venv" / "device" / ".ready").touch()
        for name in ("cards", "other", "photos"):
            (folder / name).mkdir()
        self.printed = self.said = ""

    def make(self, *arguments, **environment):
        """Call make in a clean shell; gives its exit code."""
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        self.printed, self.said = done.stdout, done.stderr
        return done.returncode

    def given(self, name):
        """What the program was given as PCR_name: None where it was not set at all."""
        found = [line.partition("=")[2] for line in self.printed.splitlines() if line.startswith(f"PCR_{name}=")]
        return found[0] if found else None

    def path(self, name):
        return str(self.folder / name)


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


@pytest.mark.parametrize("name", NAMES[:-1])
def test_a_place_can_be_named_on_the_command_line_and_in_the_environment(checkout, name):
    assert checkout.make("plan", f"{name}=other") == 0
    assert checkout.given(name) == checkout.path("other")
    assert checkout.make("plan", **{f"PCR_{name}": "cards"}) == 0
    assert checkout.given(name) == checkout.path("cards")
    assert checkout.make("plan", f"{name}=other", **{f"PCR_{name}": "cards"}) == 0
    assert checkout.given(name) == checkout.path("other"), "the command line wins"


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_bucket_is_handed_on_as_it_is_without_a_slash_at_its_end(checkout, slash):
    assert checkout.make("refresh", f"CARDS=s3://cards/all{slash}", PCR_STORE=f"s3://store{slash}") == 0
    assert (checkout.given("CARDS"), checkout.given("STORE")) == ("s3://cards/all", "s3://store")


def test_a_folder_with_a_space_in_its_name_is_one_folder(checkout):
    (checkout.folder / "my cards").mkdir()
    assert checkout.make("refresh", f"CARDS={checkout.path('my cards')}") == 0
    assert checkout.make("plan") == 0
    assert checkout.given("CARDS") == checkout.path("my cards")


def test_a_store_and_a_profile_with_a_space_in_their_names_are_remembered_there(checkout):
    (checkout.folder / "my own.yaml").touch()
    assert checkout.make("refresh", "STORE=my store", "PROFILE=my own.yaml", "CARDS=cards") == 0, checkout.said
    assert checkout.make("plan", "STORE=my store") == 0
    assert [checkout.given(name) for name in ("STORE", "PROFILE", "CARDS")] == [
        checkout.path(name) for name in ("my store", "my own.yaml", "cards")
    ]
    assert {file.name for file in (checkout.folder / "my store" / ".dagster").iterdir()} == {
        "dagster.yaml",
        "sources.mk",
    }


@pytest.mark.parametrize("name", ["my #1 cards", "grandma's cards", "5$HOME each"])
def test_whatever_a_name_holds_it_is_that_name_in_the_call_in_the_environment_and_remembered(checkout, name):
    """Cut at a # or a $, it may be that of another folder that is there."""
    place = checkout.path(name)
    Path(place).mkdir()
    written = [f"{setting}={place.replace('$', '$$')}" for setting in ("STORE", "CARDS")]  # $ is make's own in a call
    for call, environment in ((written, {}), ([], {"PCR_STORE": place, "PCR_CARDS": place}), (written[:1], {})):
        assert checkout.make("refresh", *call, **environment) == 0, checkout.said
        assert [checkout.given("STORE"), checkout.given("CARDS")] == [place, place]
        assert checkout.make("plan", written[0]) == 0, checkout.said
        assert [checkout.given("STORE"), checkout.given("CARDS")] == [place, place]
    Path(place, "project/pokemon-card-recognition/releases").mkdir(parents=True)
    assert checkout.make("serve", *written, "CAMERA=a 'film'.mp4") == 0, checkout.said
    releases = f"{place}/project/pokemon-card-recognition/releases"
    assert f"runs: edge-runtime serve a 'film'.mp4 --releases {releases}\n" in checkout.printed


def test_a_checkout_may_lie_in_a_folder_with_an_apostrophe_in_its_name(tmp_path):
    (tmp_path / "grandma's #1").mkdir()
    checkout = Checkout(tmp_path / "grandma's #1")
    (checkout.folder / ".venv" / "device" / ".ready").unlink()
    pip = checkout.folder / ".venv" / "bin" / "pip"
    pip.write_text(PROGRAM)
    pip.chmod(0o755)
    assert checkout.make("refresh") == 0, checkout.said
    assert checkout.given("STORE") == checkout.path("store")
    assert checkout.make("test") == 0, checkout.said


def test_home_is_meant_by_a_tilde_that_the_shell_left_there(checkout):
    home = checkout.folder / "at home"
    (home / "my cards").mkdir(parents=True)
    assert checkout.make("refresh", "STORE=~/my store", "CARDS=~/my cards", HOME=str(home)) == 0, checkout.said
    assert (checkout.given("STORE"), checkout.given("CARDS")) == (f"{home}/my store", f"{home}/my cards")
    assert {folder.name for folder in home.iterdir()} == {"my cards", "my store"}
    assert not (checkout.folder / "~").exists()


@pytest.mark.parametrize("name", ["grandma's card (1).jpg", "Glurak für Jörg.jpg"])
def test_a_photo_is_one_whatever_its_name_holds(checkout, name):
    (checkout.folder / "store/project/pokemon-card-recognition/releases").mkdir(parents=True)
    (checkout.folder / name).touch()
    (checkout.folder / ".venv" / "bin" / "edge-runtime").write_text(
        '#!/bin/sh\nfor each; do echo "given: $each"; done\n'
    )
    assert checkout.make("recognize", f"PHOTO={name}") == 0, checkout.said
    assert checkout.printed.splitlines()[-1] == f"given: {name}"


def test_a_checkout_may_lie_in_a_folder_with_a_space_in_its_name(tmp_path):
    (tmp_path / "my projects").mkdir()
    checkout = Checkout(tmp_path / "my projects")
    (checkout.folder / ".venv" / ".ready").unlink()
    for program in (checkout.folder / "python3.11", checkout.folder / ".venv" / "bin" / "pip"):
        program.write_text(PROGRAM)
        program.chmod(0o755)
    assert checkout.make("refresh", "CARDS=cards", "PYTHON=./python3.11") == 0, checkout.said
    assert checkout.make("plan") == 0, checkout.said
    assert (checkout.given("STORE"), checkout.given("CARDS")) == (checkout.path("store"), checkout.path("cards"))
    assert [folder.name for folder in tmp_path.iterdir()] == ["my projects"]


@pytest.mark.parametrize(
    ("call", "environment"),
    [
        (["refresh", "PROFILE=own.yaml"], {}),
        (["refresh"], {"PCR_PROFILE": "own.yaml"}),
        (["demo", "PROFILE=own.yaml"], {}),
    ],
)
def test_the_profile_of_a_refresh_is_that_of_the_next_ones(checkout, call, environment):
    assert checkout.make(*call, **environment) == 0
    assert checkout.given("PROFILE") == checkout.path("own.yaml")
    for later in ("refresh", "plan", "dev"):
        assert checkout.make(later) == 0
        assert checkout.given("PROFILE") == checkout.path("own.yaml")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_profile_of_this_package_is_remembered_by_its_name_until_another_is_named(checkout, name):
    assert checkout.make("refresh", PCR_PROFILE=name) == 0
    checkout.make("plan")
    assert checkout.given("PROFILE") == name
    checkout.make("plan", "PROFILE=embedded")
    assert checkout.given("PROFILE") == "embedded"
    checkout.make("plan", PCR_PROFILE="embedded")
    assert checkout.given("PROFILE") == "embedded"


def test_cards_are_remembered_by_refresh_and_forgotten_when_nothing_is_named(checkout):
    checkout.make("refresh", "CARDS=cards", "PHOTOS=photos")
    checkout.make("plan")
    assert (checkout.given("CARDS"), checkout.given("PHOTOS")) == (checkout.path("cards"), checkout.path("photos"))
    checkout.make("refresh", "CARDS=")
    checkout.make("plan")
    assert (checkout.given("CARDS"), checkout.given("PHOTOS")) == ("", checkout.path("photos"))


def test_a_refresh_that_fails_is_gone_on_with_under_the_same_cards(checkout):
    assert checkout.make("refresh", "CARDS=cards", EXIT_CODE="1") != 0
    checkout.make("refresh")
    assert checkout.given("CARDS") == checkout.path("cards")


@pytest.mark.parametrize(
    "mistake", ["CARDS=typo", "PHOTOS=typo", "STRANGERS=own.yaml", "PROFILE=typo.yaml", "PROFILE=embeded"]
)
@pytest.mark.parametrize("target", ["demo", "refresh"])
def test_a_mistyped_name_is_refused_and_not_remembered(checkout, target, mistake):
    checkout.make("refresh", "CARDS=cards")
    assert checkout.make(target, mistake) != 0
    assert "runs:" not in checkout.printed
    assert "is not there" in checkout.said.splitlines()[0]
    checkout.make("plan")
    assert checkout.given("CARDS") == checkout.path("cards")
    assert checkout.given("PROFILE") == ""


@pytest.mark.parametrize(
    ("mistake", "cure"), [("CARD=cards", "no setting CARD"), ("STORE=s3:/bucket", "s3://bucket/prefix")]
)
def test_a_mistyped_setting_or_bucket_stops_make_before_anything_is_made(checkout, mistake, cure):
    assert checkout.make("refresh", mistake) != 0
    assert cure in checkout.said
    assert not list(checkout.folder.glob("s3:*"))


def test_the_place_of_the_project_in_a_bucket_means_the_bucket(checkout):
    assert checkout.make("plan", "STORE=s3://bucket/some/project/pokemon-card-recognition/") == 0
    assert checkout.given("STORE") == "s3://bucket/some"


def test_recognising_asks_the_same_s3_server_as_building(checkout):
    (checkout.folder / ".venv" / "bin" / "edge-runtime").write_text('#!/bin/sh\necho "$1 at $AWS_ENDPOINT_URL"\n')
    assert checkout.make("serve", "STORE=s3://bucket", PCR_S3_ENDPOINT="http://127.0.0.1:9000") == 0
    assert "serve at http://127.0.0.1:9000" in checkout.printed


def test_a_plan_remembers_nothing(checkout):
    checkout.make("plan", "CARDS=other", "PROFILE=own.yaml")
    checkout.make("plan")
    assert (checkout.given("CARDS"), checkout.given("PROFILE")) == ("", "")


def test_what_is_remembered_belongs_to_its_store(checkout):
    checkout.make("refresh", "CARDS=cards", "STORE=other")
    checkout.make("plan")
    assert checkout.given("CARDS") == ""
    checkout.make("plan", PCR_STORE="other")
    assert checkout.given("CARDS") == checkout.path("cards")


def test_a_prefix_is_adopted_into_the_store_that_it_lies_in(checkout):
    place = "/project/pokemon-card-recognition/"
    for prefix in ("s3://bucket", f"s3://bucket{place}"):
        assert checkout.make("adopt", f"PREFIX={prefix}", PCR_STORE="elsewhere") == 0
        assert "runs: python -m pcr_assets.adopt s3://bucket\n" in checkout.printed
    assert checkout.make("adopt", f"PREFIX=other{place}", "APPLY=1", EXIT_CODE="3") == 0, (
        "something to adopt is no error"
    )
    assert f"pcr_assets.adopt {checkout.path('other')} --apply" in checkout.printed
    assert checkout.make("adopt", PREFIX="/usr") == 0
    assert checkout.given("STORE") == checkout.path("store"), "the shell's own PREFIX was taken for a store"
    assert checkout.make("adopt", "PREFIX=s3://bucket", EXIT_CODE="1") != 0


def test_an_intake_is_asked_for_sets_source_and_language(checkout):
    assert checkout.make("ingest", "SETS=base1 sv3pt5", "SOURCE=pokemontcg", "CARDS=new", "DRY_RUN=1", "RATE=2") == 0
    call = "python -m pcr_assets.ingest base1 sv3pt5 --source pokemontcg --lang en --rate 2 --dry-run"
    assert f"runs: {call}" in checkout.printed
    assert checkout.given("CARDS") == checkout.path("new"), "a folder that is not there yet is made"
    assert checkout.make("ingest", "LANG=fr", "CARDS=s3://cards/raw") == 0
    assert "runs: python -m pcr_assets.ingest --source tcgdex --lang fr" in checkout.printed
    assert checkout.given("CARDS") == "s3://cards/raw"


def test_the_language_of_the_shell_is_not_that_of_the_cards(checkout):
    assert checkout.make("ingest", LANG="de_DE.UTF-8") == 0
    assert "--lang en" in checkout.printed


def test_pending_work_is_no_error_of_a_plan_and_a_failure_is(checkout):
    assert checkout.make("plan", EXIT_CODE="3") == 0
    assert "Error" not in checkout.said
    assert checkout.make("plan", EXIT_CODE="1") != 0


def test_the_tests_see_nothing_of_a_persons_own_store(checkout):
    checkout.make("refresh", "CARDS=cards", "PROFILE=own.yaml")
    assert checkout.make("test", "STORE=other", PCR_PHOTOS="photos") == 0
    assert checkout.printed.count("runs: pytest") == 2, "the second time with the packages of a device"
    assert [checkout.given(name) for name in NAMES] == [None] * 5


def test_commands_of_the_readme_name_the_store_and_say_what_they_lack(checkout):
    releases = checkout.path("store/project/pokemon-card-recognition/releases")
    assert checkout.make("recognize", "PHOTO=a.jpg b.jpg") != 0
    assert "holds no release yet: `make demo` builds one" in checkout.said
    Path(releases).mkdir(parents=True)
    assert checkout.make("recognize", "PHOTO=a.jpg b.jpg") == 0
    assert f"runs: edge-runtime recognize --releases {releases} a.jpg b.jpg" in checkout.printed
    assert checkout.make("explain", "ASSET=card_index") == 0
    assert "runs: python -m pcr_assets.refresh explain card_index" in checkout.printed
    assert checkout.make("build", "ASSET=student_int8") == 0
    assert "runs: python -m pcr_assets.refresh build student_int8" in checkout.printed
    assert checkout.make("gc", "KEEP=5") == 0
    assert "runs: python -m pcr_assets.tidy --keep 5\n" in checkout.printed
    assert checkout.make("gc", "APPLY=1", "DAYS=7") == 0
    assert "runs: python -m pcr_assets.tidy --days 7 --apply\n" in checkout.printed
    assert checkout.make("build") != 0
    assert "say which asset" in checkout.said


def test_the_ui_is_started_when_runs_that_died_with_the_last_one_are_closed(checkout):
    assert checkout.make("dev") == 0
    programs = [line for line in checkout.printed.splitlines() if line.startswith("runs: ")]
    assert [program.split()[1:4] for program in programs] == [
        ["python", "-c", "import"],  # is the port free
        ["python", "-m", "pcr_assets.automation.close_runs"],
        ["dagster", "dev", "-w"],
    ]
    assert checkout.make("dev", "PORT=3001", EXIT_CODE="1") != 0
    assert "port 3001 is in use" in checkout.said


def test_the_ui_waits_for_a_run_that_begins_on_a_busy_machine_and_starts_it_once(checkout):
    def told():
        lines = checkout.printed.splitlines()
        return {line.partition("=")[0]: line.partition("=")[2] for line in lines if line.startswith("DAGSTER_")}

    assert checkout.make("dev") == 0
    assert int(told()["DAGSTER_GRPC_TIMEOUT_SECONDS"]) > 60, "Dagster's own: the process of a run is begun twice"
    assert told()["DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS"] == "60", "as docs/automation.md says"
    assert checkout.make("dev", DAGSTER_GRPC_TIMEOUT_SECONDS="90") == 0
    assert told()["DAGSTER_GRPC_TIMEOUT_SECONDS"] == "90"


def test_the_tests_of_the_store_are_asked_of_a_server_where_a_bucket_is_named(checkout):
    assert checkout.make("test-s3", "STORE=s3://scratch/mine/", "PCR_S3_ENDPOINT=http://127.0.0.1:9000") == 0
    assert "runs: pytest -n 3 pcr_assets_tests/resources" in checkout.printed
    assert "TESTED_STORE=s3://scratch/mine" in checkout.printed
    assert checkout.given("S3_ENDPOINT") == "http://127.0.0.1:9000"
    assert checkout.make("test-s3", "STORE=store") != 0
    assert "make test-s3 STORE=s3://bucket/prefix" in checkout.said
