"""A program that is started by hand, without a job file or with something else: one sentence, no traceback."""

import pytest

from pcr_assets.learning import train


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "can't be read ([Errno 2]"),
        ("{", "can't be read (Expecting"),
        ("[]", "holds no JSON object"),
        ('{"stage": "teecher", "shards": [], "snapshot": "s", "out": "o"}', "job.stage: must be 'teacher'"),
        ('{"stage": "teacher", "shards": [], "snapshot": "s"}', "job.out: is missing"),
    ],
)
def test_what_is_no_job_file_is_named(text, said, tmp_path, capsys):
    file = tmp_path / "job.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SystemExit) as ended:
        train.main([str(file)])
    told = capsys.readouterr().err
    assert (ended.value.code, told.count("\n")) == (1, 1)
    assert str(file) in told
    assert said in told


def test_a_program_says_what_it_takes(capsys):
    with pytest.raises(SystemExit) as ended:
        train.main(["--help"])
    assert ended.value.code == 0
    assert "usage: python -m pcr_assets.learning.train [-h] JOB.json" in capsys.readouterr().out
