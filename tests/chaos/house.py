"""A house of its own: servers, web, workers and clock, and how each of them dies."""

import contextlib
import os
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from config.local.bootstrap import ROOT
from config.local.processes import Program, free_port
from config.local.programs import CALLER, MODULE, WORKER, clock
from config.local.servers import Postgres, Valkey
from config.local.supervisor import Child, Supervisor

START_SECONDS = 120.0
_NO_LIMIT = "1000000000/m"
_LIMITS = ("USER", "ANONYMOUS", "PUBLIC_FORM", "CALLBACKS", "LOGIN_ADDRESS")


@dataclass(frozen=True, kw_only=True)
class House:
    """All programs of one run; the supervisor starts again what dies."""

    supervisor: Supervisor
    folder: Path
    postgres: Postgres
    valkey: Valkey
    port: int = field(default_factory=free_port)
    children: dict[str, Child] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(
        default_factory=lambda: {
            name: secrets.token_urlsafe(48)
            for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS")
        }
    )

    @property
    def environment(self) -> dict[str, str]:
        """Return what our programs find around them."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "ENVIRONMENT": "local",  # the vendor lives on loopback
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            **self.secrets,
            **{f"RATE_LIMIT_{name}": _NO_LIMIT for name in _LIMITS},
        }

    def open(self) -> None:
        """Start all of it, on an empty database."""
        for name, server in (("postgres", self.postgres), ("valkey", self.valkey)):
            server.prepare()
            self.children[name] = self.supervisor.start(server.program())
        for name, ready in (
            ("postgres", self.postgres.is_ready),
            ("valkey", self.valkey.is_ready),
        ):
            self.supervisor.wait_until(
                ready, child=self.children[name], seconds=START_SECONDS
            )
        migrate = (sys.executable, "manage.py", "migrate", "--verbosity", "0")
        self.supervisor.run_to_end(self._program("migration", migrate))
        beat = clock(schedule=self.folder / "beat-schedule")
        commands = {"worker": WORKER, "caller": CALLER, "beat": beat, "web": self._web}
        for name, command in commands.items():
            program = self._program(name, command)
            self.children[name] = self.supervisor.start(program)
        self.supervisor.wait_until(
            self.answers, child=self.children["web"], seconds=START_SECONDS
        )

    def answers(self) -> bool:
        """Tell whether the web server serves."""
        line = HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            line.request("GET", "/healthz")
            return line.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            line.close()

    # --- How they die ------------------------------------------------------------

    def kill(self, name: str) -> None:
        """Kill -9 a program and all below it, so that nothing says good-bye."""
        root = self.children[name].process.pid
        for pid in [*_below(root), root]:
            _send(pid, signal.SIGKILL)

    def kill_one_below(self, name: str) -> None:
        """Kill -9 one process of a pool."""
        below = _below(self.children[name].process.pid)
        if below:
            _send(below[-1], signal.SIGKILL)

    def ask_to_end(self, name: str) -> None:
        """Stop a program as a deployment does, whatever it is doing."""
        _send(self.children[name].process.pid, signal.SIGTERM)

    # --- Inside ------------------------------------------------------------------

    @property
    def _web(self) -> tuple[str, ...]:
        return (
            *(*MODULE, "granian", "config.wsgi:application"),
            *("--interface", "wsgi", "--no-ws", "--log-level", "warning"),
            *("--host", "127.0.0.1", "--port", str(self.port)),
            *("--workers", "1", "--blocking-threads", "4"),
            "--respawn-failed-workers",
        )

    def _program(self, name: str, command: Sequence[str]) -> Program:
        return Program(
            name=name,
            command=command,
            environment=self.environment,
            folder=ROOT,
            log=self.folder / f"{name}.log",
            patience=40,
        )


@contextlib.contextmanager
def running_house(folder: Path) -> Iterator[House]:
    """Let a house run; leaving it leaves no process."""
    folder.chmod(0o755)  # whoever runs PostgreSQL must pass
    password = secrets.token_hex(16)
    with Supervisor() as supervisor:
        house = House(
            supervisor=supervisor,
            folder=folder,
            postgres=Postgres(
                home=folder / "postgres",
                log=folder / "postgres.log",
                password=password,
                tuning={"max_connections": "200"},  # commits are as durable as ever
            ),
            valkey=Valkey(
                home=folder / "valkey",
                log=folder / "valkey.log",
                password=password,
                keeps_data=False,  # who kills it empties it
            ),
        )
        house.open()
        yield house


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _below(root: int) -> list[int]:
    """Return all descendants of a process, the youngest generation last."""
    found: list[int] = []
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        for listed in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                born = [int(word) for word in listed.read_text().split()]
                found += born
                waiting += born
    return found
