"""Entries of ZIP archives are read as Python's zipfile reads them, from less memory."""

import errno
import os
import subprocess
import sys
import zipfile

import pytest

from edge_runtime.gallery import GalleryError
from edge_runtime.judging.archives import Archives, BadArchive
from edge_runtime.judging.references import References

KEYS = (0, 7, 2**64 - 1)


@pytest.fixture
def packed(tmp_path):
    """Writes an archive of stored entries by name."""

    def write(name, entries, compression=zipfile.ZIP_STORED):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", compression) as archive:
            for entry, data in entries.items():
                archive.writestr(entry, data)
        return path

    return write


def test_entries_of_all_archives_are_read_by_number(packed):
    paths = [packed(f"{key:x}.zip", {f"{key:016x}.jpg": b"picture %d" % key, "notes.txt": b""}) for key in KEYS]
    archives = Archives(paths, (".jpg", ".orb"))
    assert [archives.read(key, ".jpg") for key in KEYS] == [b"picture %d" % key for key in KEYS]
    assert [archives.has(key, ".jpg") for key in (*KEYS, 6, 8)] == [True, True, True, False, False]
    assert not archives.has(7, ".orb")
    assert archives.held([8, *reversed(KEYS), 6], ".jpg") == list(reversed(KEYS))
    assert archives.held(KEYS, ".orb") == []
    with pytest.raises(KeyError, match=r"0000000000000007\.orb"):
        archives.read(7, ".orb")


def test_the_entry_of_a_later_archive_wins(packed):
    paths = [packed(f"{turn}.zip", {f"{7:016x}.jpg": turn}) for turn in ("first", "second")]
    assert Archives(paths, (".jpg",)).read(7, ".jpg") == b"second"


def test_no_archives_have_nothing():
    assert not Archives((), (".jpg",)).has(7, ".jpg")


def test_what_is_no_archive_or_deflated_is_refused(packed, tmp_path):
    (tmp_path / "text.zip").write_text("I am no archive.")
    deflated = packed("deflated.zip", {f"{7:016x}.jpg": bytes(1000)}, zipfile.ZIP_DEFLATED)
    odd = packed("odd.zip", {"not-sixteen-hex-.jpg": b""})
    for path in (tmp_path / "text.zip", deflated, odd, tmp_path / "gone.zip"):
        with pytest.raises(BadArchive) as caught:
            Archives([path], (".jpg",))
        assert caught.value.path == path


@pytest.mark.parametrize("spoil", [lambda data: data.replace(b"picture", b"pixture"), lambda data: data[:10]])
def test_an_entry_that_rotted_is_refused(packed, spoil):
    path = packed("a.zip", {f"{7:016x}.jpg": b"a picture"})
    archives = Archives([path], (".jpg",))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(BadArchive):
        archives.read(7, ".jpg")


def test_files_are_closed_with_the_archives(packed):
    path = packed("a.zip", {f"{7:016x}.jpg": b"a picture"})
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    archives = Archives([path], (".jpg",))
    del archives
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def in_a_process(program, *arguments):
    """What a program prints that may have 40 open files at first."""
    given = [
        "import resource, sys",
        "from pathlib import Path",
        "from edge_runtime.judging.references import References",
        program,
    ]
    return subprocess.run(
        [sys.executable, "-c", "\n".join(given), *map(str, arguments)], capture_output=True, text=True, check=False
    ).stdout


def test_more_archives_are_opened_than_a_process_may_have_files_at_first(packed, tmp_path):
    for number in range(60):
        packed(f"{number:02}.zip", {f"{number:016x}.orb": b""})
    opened = "references = References(sorted(Path(sys.argv[1]).glob('*.zip')))"
    soft = "resource.setrlimit(resource.RLIMIT_NOFILE, (40, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))"
    assert in_a_process(f"{soft}\n{opened}\nprint(59 in references)", tmp_path) == "True\n"
    hard = "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))"
    said = in_a_process(f"{hard}\ntry:\n {opened}\nexcept RuntimeError as error:\n print(error)", tmp_path)
    assert said.startswith(
        "the 60 archives of reference pictures can't be open at once (Too many open files): allow more"
    )


@pytest.mark.faults
@pytest.mark.parametrize(
    ("code", "cure"),
    [
        (errno.EACCES, "mend its rights"),
        (errno.ENFILE, "the whole system has too many open files"),
        (errno.EIO, "look after that disk"),
    ],
)
def test_what_the_system_refuses_is_told_as_what_it_is(packed, monkeypatch, code, cure):
    """It was told as no archive, and to be pulled again, which mends no rights."""
    path = packed("a.zip", {f"{7:016x}.jpg": b"a picture", f"{7:016x}.orb": b""})

    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    references = References([path])
    with monkeypatch.context() as patched:
        patched.setattr("edge_runtime.judging.archives.os.pread", refuse)
        for read in (references.encoded, references.features):
            with pytest.raises(GalleryError, match=cure) as caught:
                read(7)
            assert str(caught.value).startswith(f"{path} can't be read ({os.strerror(code)})")
    for place in ("zipfile.ZipFile", "os.open"):
        with monkeypatch.context() as patched:
            patched.setattr(f"edge_runtime.judging.archives.{place}", refuse)
            with pytest.raises(GalleryError, match=cure):
                References([path])
