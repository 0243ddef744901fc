"""A PostgreSQL and a Valkey that do nothing but be measured."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from config.local.processes import CannotRun
from config.local.servers import Postgres, Valkey
from config.local.supervisor import Child, Supervisor

START_SECONDS = 120

# Fixed, whatever the machine: figures of two runs must not differ by these. Nothing
# works in the background while we measure. Commits are as durable as in production.
TUNING = {
    "autovacuum": "off",
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_connections": "200",
    "full_page_writes": "off",
}
WORK = "work"
"""The database that is measured: a copy that every run makes anew."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The running servers of one bench."""

    folder: Path
    postgres: Postgres
    valkey: Valkey
    child: Child

    @property
    def postgres_pid(self) -> int:
        return self.child.process.pid

    def url(self, database: str = WORK) -> str:
        return self.postgres.url.rpartition("/")[0] + f"/{database}"

    def connect(self, database: str = WORK) -> psycopg.Connection[tuple[object, ...]]:
        """Return a connection that commits by itself."""
        return psycopg.connect(self.url(database), autocommit=True)

    def databases(self) -> set[str]:
        with self.connect("postgres") as connection:
            rows = connection.execute("SELECT datname FROM pg_database").fetchall()
        return {str(name) for (name,) in rows}

    def drop(self, name: str) -> None:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with self.connect("postgres") as connection:
            connection.execute(statement.format(sql.Identifier(name)))

    def rename(self, name: str, new: str) -> None:
        statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        with self.connect("postgres") as connection:
            connection.execute(
                statement.format(sql.Identifier(name), sql.Identifier(new))
            )

    def copy(self, template: str, name: str) -> None:
        """Make a database as a copy of another, in place of one of that name."""
        self.drop(name)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        with self.connect("postgres") as connection:
            connection.execute(
                statement.format(sql.Identifier(name), sql.Identifier(template))
            )
            connection.execute("CHECKPOINT")

    def count_statements(self, *, on: bool) -> None:
        """Let pg_stat_statements count, or not: counting costs, so windows go without.

        Sessions that are open learn of it within a moment.
        """
        with self.connect("postgres") as connection:
            value = "top" if on else "none"
            connection.execute(f"ALTER SYSTEM SET pg_stat_statements.track = '{value}'")
            connection.execute("SELECT pg_reload_conf()")


def bench_folder() -> Path:
    """Return where data and results of work live: BENCH_DIR, or below /var/tmp."""
    folder = Path(os.environ.get("BENCH_DIR") or "/var/tmp/fieldbook-bench")  # noqa: S108
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    folder.chmod(0o755)  # whoever runs PostgreSQL must pass; it closes its own
    return folder


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[int]:
    """Hold the lock of the folder: two benches would measure each other."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRun(f"another bench runs in {folder}.") from None
        yield lock.fileno()


@contextlib.contextmanager
def running_cluster(supervisor: Supervisor, folder: Path) -> Iterator[Cluster]:
    """Start both servers on the folder's data."""
    password = _password(folder)
    postgres = Postgres(
        home=folder / "postgres",
        log=folder / "postgres.log",
        password=password,
        tuning=TUNING,
    )
    valkey = Valkey(
        home=folder / "valkey",
        log=folder / "valkey.log",
        password=password,
        keeps_data=False,
    )
    children = []
    servers: tuple[Postgres | Valkey, ...] = (postgres, valkey)
    for server in servers:
        server.prepare()
        children.append(supervisor.start(server.program()))
    for server, child in zip(servers, children, strict=True):
        supervisor.wait_until(server.is_ready, child=child, seconds=START_SECONDS)
    cluster = Cluster(
        folder=folder, postgres=postgres, valkey=valkey, child=children[0]
    )
    cluster.count_statements(on=False)
    yield cluster


def _password(folder: Path) -> str:
    file = folder / "password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(16))
    return file.read_text()
