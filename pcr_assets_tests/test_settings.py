"""Profiles: sections of settings that are observed as assets."""

import pytest

from pcr_assets import settings


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
