"""Profiles: sections of settings that are observed as assets."""

import json
import subprocess
import sys

import pytest

from pcr_assets import settings
from pcr_assets.assets.settings import check


def test_a_profile_of_your_own_starts_from_another_and_changes_single_values(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: embedded\nstage2:\n  seed: 7\n")
    base, changed = settings.load("embedded"), settings.load(str(mine))
    assert changed.section("stage2") == {**base.section("stage2"), "seed": 7}
    assert changed.section("stage1") == base.section("stage1")


def test_a_changed_value_changes_the_digest_of_its_section_alone(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: embedded\nstage2:\n  seed: 7\n")
    base, changed = settings.load("embedded"), settings.load(str(mine))
    differing = [
        name for name in ("teacher", "stage1", "stage2", "report") if base.digest(name) != changed.digest(name)
    ]
    assert differing == ["stage2"]


@pytest.mark.parametrize(
    ("text", "says"), [("- a\n- b\n", "holds no sections"), ("a: [", "is not YAML"), (None, "no profile")]
)
def test_a_bad_profile_says_which_file_and_what_to_do(tmp_path, text, says):
    path = tmp_path / "bad.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(settings.SettingsError, match=says) as error:
        settings.load(str(path))
    assert str(path) in str(error.value)


def test_a_missing_section_is_named():
    with pytest.raises(settings.SettingsError, match="no section 'nothing'"):
        settings.load("embedded").section("nothing")


def own(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(f"extends: embedded\n{text}\n")
    return str(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stage22: {seed: 1}", "stage22: no such section (did you mean stage2?)"),
        ("stage2: [1, 2]", "stage2: must be a mapping of settings, is [1, 2]"),
        ("gates: {int8_cosin: 0.5}", "gates.int8_cosin: no such setting (did you mean int8_cosine?)"),
        ("gates: {parity: high}", 'gates.parity: must be a number, is "high"'),
    ],
)
def test_what_nothing_would_read_is_refused_when_the_profile_is_read(tmp_path, text, says):
    profile = own(tmp_path, text)
    with pytest.raises(settings.SettingsError) as error:
        settings.load(profile)
    assert str(error.value) == f"{profile}: {says}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stage2: {phazes: 3}", "stage2.phazes: no such setting (did you mean phases?)"),
        (
            "stage2: {learning_rate: 0.1}",
            "stage2.learning_rate: no such setting (did you mean phases.learning_rate?)",
        ),
        (
            "stage2: {phases: [{steps: 9, learning_rat: 0.1}]}",
            "stage2.phases[0].learning_rat: no such setting (did you mean learning_rate?)",
        ),
        (
            "teacher: {learning_rate: 0.1}",
            "teacher.learning_rate: no such setting (did you mean settings.phases.learning_rate?)",
        ),
        ("student: {weights: 2024-01-01, bakbone: x}", "student.bakbone: no such setting (did you mean backbone?)"),
        ("trust: {days: {root: 1000000}}", "trust.days.root: must be 36525.0 or less, is 1000000"),
        ("stage1: {batch: 1}", "stage1.batch: must be 2 or more, is 1"),
        ("stage1: {view_size: [128]}", "stage1.view_size[1]: is missing"),
        (
            "stage2: {phases: [{steps: 9, learns: heads}]}",
            "stage2.phases[0].learns: must be 'head' or 'all', or a whole number, is \"heads\"",
        ),
        (
            "stage2: {phases: [{learning_rate: 0.1}]}",
            "stage2.phases[0]: a phase is either so many steps or so many epochs long: give one of the two",
        ),
        ("teacher: {settings: {margin: wide}}", 'teacher.settings.margin: must be a number, is "wide"'),
        ("student: {bakbone: x}", "student.bakbone: no such setting (did you mean backbone?)"),
        ("student: {input_size: [160]}", "student.input_size[1]: is missing"),
        ("teacher: {spec: {pooling: max}}", "teacher.spec.pooling: must be 'native' or 'gem', is \"max\""),
        ("teacher: {setings: {}}", "teacher.setings: no such setting (did you mean settings?)"),
        (
            "stage2: {phases: [{steps: 9, learns: 0}]}",
            "stage2.phases[0].learns: must be 'head' or 'all', or 1 or more, is 0",
        ),
        (
            "stage2: {strengths: [harder]}",
            "stage2.strengths[0]: must be 'none', 'easy', 'medium', 'hard' or 'train', is \"harder\"",
        ),
        ("report: {strengths: []}", "report.strengths: must have 1 entries or more, is []"),
        ("quantization: {weights: int8}", "quantization.weights: must be 'QUInt8' or 'QInt8', is \"int8\""),
        ("calibration: {count: -3}", "calibration.count: must be 1 or more, is -3"),
        (
            "snapshot: {validation: 0.6, test: 0.6}",
            "snapshot: validation and test together take all cards: leave some to train on",
        ),
        ("report: {querys: 3}", "report.querys: no such setting (did you mean queries?)"),
        (
            "quantization: {calibration: 3}",
            "quantization.calibration: no such setting (did you mean calibration_count?)",
        ),
        ("quantization: {minimum_cosine: '0.9'}", 'quantization.minimum_cosine: must be a number, is "0.9"'),
        ("quantization: {minimum_cosine: 95}", "quantization.minimum_cosine: must be 1.0 or less, is 95"),
        ("hailo: {optimization_level: 7}", "hailo.optimization_level: must be 4 or less, is 7"),
        ("hailo: {calibration_count: 0}", "hailo.calibration_count: must be 1 or more, is 0"),
        ("hailo: {finetune: 1}", "hailo.finetune: must be true or false, is 1"),
        # Nothing refused these before the step that they are for: of a report, after half an hour of training.
        ("report: {seed: -1}", "report.seed: must be 0 or more, is -1"),
        ("calibration: {seed: -1}", "calibration.seed: must be 0 or more, is -1"),
        ("stage1: {seed: 4294967296}", "stage1.seed: must be less than 4294967296, is 4294967296"),
        ("stage1: {view_size: [0, 176]}", "stage1.view_size[0]: must be 1 or more, is 0"),
        ("outline_filter: {size: [48, 0]}", "outline_filter.size[1]: must be 1 or more, is 0"),
        ("printing_verifier: {widths: [16, -1]}", "printing_verifier.widths[1]: must be 1 or more, is -1"),
        ("student: {input_size: [0, 224]}", "student.input_size[0]: must be 1 or more, is 0"),
        ("student: {embedding_dim: 0}", "student.embedding_dim: must be 1 or more, is 0"),
        ("student: {std: [0, 1, 1]}", "student.std[0]: must be more than 0.0, is 0"),
        (
            "serving: {endpoint: {name: my cards}}",
            'serving.endpoint.name: must match ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$, is "my cards"',
        ),
        (
            f"compute: {{sagemaker: {{image: {'a' * 256}}}}}",
            f'compute.sagemaker.image: must have 255 characters or fewer, is "{"a" * 256}"',
        ),
    ],
)
def test_a_mistake_in_a_section_names_the_file_the_setting_and_what_it_must_be(tmp_path, text, says):
    profile = own(tmp_path, text)
    with pytest.raises(settings.SettingsError) as error:
        check(settings.load(profile))
    assert str(error.value) == f"{profile}: {says}"


def test_a_section_is_checked_for_itself(tmp_path):
    profile = settings.load(own(tmp_path, "stage2: {phazes: 3}"))
    check(profile, "stage1")
    with pytest.raises(settings.SettingsError, match="phazes"):
        check(profile, "stage2")


@pytest.mark.parametrize("profile", settings.PROFILES)
def test_the_profiles_of_this_project_hold_no_mistake(profile):
    check(settings.load(profile))


def test_a_section_whose_settings_are_all_commented_out_changes_nothing(tmp_path):
    profile = settings.load(own(tmp_path, "stage2:\n  # seed: 7"))
    assert profile.section("stage2") == settings.load("embedded").section("stage2")


@pytest.mark.parametrize("itself", ["own.yaml", "../profiles/own.yaml"])
def test_a_profile_that_extends_itself_is_refused(tmp_path, itself):
    path = tmp_path / "profiles" / "own.yaml"
    path.parent.mkdir()
    path.write_text(f"extends: {itself}\n")
    with pytest.raises(settings.SettingsError, match=r"own\.yaml extends itself"):
        settings.load(str(path))


def test_the_line_of_a_mistake_in_yaml_is_named_in_one_line(tmp_path):
    with pytest.raises(settings.SettingsError, match=r"own\.yaml is not YAML, line 3: .*") as error:
        settings.load(own(tmp_path, "stage2: {seed: 1\nstage1: {}"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stage2: {seed: 1}\nstage1: {}\nstage2: {}", ", line 4: 'stage2' stands there twice"),
        ("stage2:\n  seed: 1\n  seed: 2", ", line 4: 'seed' stands there twice"),
        (
            "student:\n  options: {a: !!binary aGVsbG8=}",
            ", line 3: could not determine a constructor for the tag 'tag:yaml.org,2002:binary'",
        ),
        (
            "student:\n  options: {a: !!set {x}}",
            ", line 3: could not determine a constructor for the tag 'tag:yaml.org,2002:set'",
        ),
        ("snapshot: {growth: .inf}", ", line 2: .inf is no number that a setting may be"),
        ("gates: {parity: .nan}", ", line 2: .nan is no number that a setting may be"),
    ],
)
def test_what_would_be_passed_over_or_has_no_digest_is_refused_with_its_line(tmp_path, text, says):
    profile = own(tmp_path, text)
    with pytest.raises(settings.SettingsError) as error:
        settings.load(profile)
    assert str(error.value) == f"{profile}{says}"


def test_a_setting_that_comes_from_an_anchor_may_be_written_over(tmp_path):
    text = "stage1: &both {seed: 1, batch: 8}\nstage2: {<<: *both, batch: 4}"
    section = settings.load(own(tmp_path, text)).section("stage2")
    assert (section["seed"], section["batch"]) == (1, 4)


def test_neither_the_definitions_nor_checking_the_settings_load_what_computes():
    code = (
        "import sys, json; from pcr_assets.definitions import defs; before = set(sys.modules); "
        "from pcr_assets import settings; from pcr_assets.assets.settings import check; check(settings.load('embedded')); "
        "heavy = {'torch', 'onnx', 'onnxruntime', 'usearch', 'cv2', 'numpy', 'pyarrow', 'PIL'}; "
        "print(json.dumps([sorted(heavy & before), sorted(heavy & sys.modules.keys())]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[], []]
