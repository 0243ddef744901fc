"""The programs that make up the running house, and what they find around them."""

import base64
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.local.bootstrap import ROOT
from config.local.processes import Program
from config.local.servers import Postgres, Valkey
from config.local.state import State
from config.local.supervisor import Supervisor

DEFAULT_PORT = 8000
SERVER_START_SECONDS = 120  # after a crash PostgreSQL first reads back its log
MODULE = (sys.executable, "-m")
MANAGE = (sys.executable, str(ROOT / "manage.py"))
_CELERY = (*MODULE, "celery", "-A", "config", "--quiet")
_QUIETLY = ("--without-gossip", "--without-mingle")
# Works with the database: in processes. Threads are for those who wait for others.
WORKER = (
    *(*_CELERY, "worker", *_QUIETLY, "--hostname", "worker@%h"),
    *("--queues", "events,inbox,celery", "--concurrency", "2"),
)
CALLER = (
    *(*_CELERY, "worker", *_QUIETLY, "--hostname", "caller@%h"),
    *("--queues", "webhooks,messages,vendors"),
    *("--pool", "threads", "--concurrency", "24"),
)


@dataclass(frozen=True, kw_only=True)
class House:
    """All programs of one start: same environment, same lock, same port."""

    state: State
    environment: Mapping[str, str]
    port: int
    programs_lock: int

    def prepare(self) -> Program:
        """Migrate, and seed a database that is new."""
        return self._program("The preparation", [*MODULE, "config.local.prepare"])

    def web(self) -> Program:
        """Serve HTTP; one process is enough for a machine with one person on it."""
        return self._program(
            "The web server",
            [
                *(*MODULE, "granian", "config.wsgi:application"),
                *("--interface", "wsgi", "--no-ws", "--log-level", "warning"),
                *("--host", "127.0.0.1", "--port", str(self.port)),
                *("--workers", "1", "--blocking-threads", "4"),
                "--respawn-failed-workers",
            ],
        )

    def worker(self) -> Program:
        """Run the tasks that the web server and the clock hint at."""
        return self._program("The worker", WORKER)

    def caller(self) -> Program:
        """Call receivers and vendors, and wait for their answers."""
        return self._program("The caller", CALLER)

    def beat(self) -> Program:
        """Ask every few seconds what is due."""
        return self._program(
            "The clock", clock(schedule=self.state.folder / "beat-schedule")
        )

    def sandbox(self) -> Program:
        """Be the vendors and the demo's subscriber, and fail on demand."""
        return self._program(
            "The sandbox world",
            [
                *(*MANAGE, "sandbox", "--port", str(sandbox_port(self.port))),
                *("--acts", self.environment["SANDBOX_ACTS"]),
            ],
        )

    def _program(self, name: str, command: Sequence[str]) -> Program:
        return Program(
            name=name,
            command=command,
            environment=self.environment,
            folder=ROOT,
            keep_open=[self.programs_lock],
        )


def clock(*, schedule: Path) -> Sequence[str]:
    """Return the command of the clock; it keeps its notes in `schedule`."""
    return (*_CELERY, "beat", "--schedule", str(schedule), "--pidfile", "")


def start_servers(
    supervisor: Supervisor, *, state: State, programs_lock: int
) -> dict[str, str]:
    """Start PostgreSQL and Valkey, but for those that the environment names.

    Returns how to reach them, as variables.
    """
    given = servers_given()
    servers: dict[str, Postgres | Valkey] = {}
    if "DATABASE_URL" not in given:
        servers["DATABASE_URL"] = Postgres(
            home=state.data_folder() / "postgres",
            log=state.log("postgres"),
            password=state.secret("POSTGRES_PASSWORD"),
        )
    if "REDIS_URL" not in given:
        servers["REDIS_URL"] = Valkey(
            home=state.folder / "valkey",
            log=state.log("valkey"),
            password=state.secret("VALKEY_PASSWORD"),
        )
    started = []
    for server in servers.values():
        server.prepare()
        started.append((server, supervisor.start(server.program(programs_lock))))
    for server, child in started:
        supervisor.wait_until(
            server.is_ready, child=child, seconds=SERVER_START_SECONDS
        )
    return given | {name: server.url for name, server in servers.items()}


def servers_given() -> dict[str, str]:
    """Return the servers that the environment names: those win over our own."""
    names = ("DATABASE_URL", "REDIS_URL")
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def app_environment(
    servers: Mapping[str, str], *, state: State, port: int
) -> dict[str, str]:
    """Return the environment of every program of ours that is not a server."""
    defaults = {
        "SECRET_KEY": state.secret("SECRET_KEY"),
        "FIELD_ENCRYPTION_KEYS": state.secret("FIELD_ENCRYPTION_KEYS"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SANDBOX_URL": f"http://127.0.0.1:{sandbox_port(port)}",
        "SANDBOX_SECRET": webhook_secret(state.secret("SANDBOX_SECRET")),
        "SANDBOX_ACTS": str(state.folder / "sandbox-acts.json"),
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "SMS_PROVIDER": "integrations.services.texting.TwilioProvider",
        "PYTHONUNBUFFERED": "1",
    }
    return {**defaults, **os.environ, **servers, "ENVIRONMENT": "local"}


def webhook_secret(text: str) -> str:
    """Return a secret in the form that Standard Webhooks prescribes."""
    return f"whsec_{base64.b64encode(text.encode()).decode()}"


def without_limits(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for work that may take longer than a request."""
    return {
        "DATABASE_STATEMENT_TIMEOUT_MS": "0",
        "DATABASE_LOCK_TIMEOUT_MS": "10000",
        **environment,
    }


def sandbox_port(port: int) -> int:
    """Return the port of the sandbox world: the next one."""
    return port + 1
