"""A whole company on this machine: web, workers, beat and the sandbox world."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from django.conf import settings

from config.demo.data.logins import PASSWORD, address
from config.local.programs import CALLER, WORKER

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 120.0  # seconds; a lease of a dead worker alone lasts 45


class Stack:
    """The processes of the house, on a database and a broker of their own."""

    def __init__(self, folder: Path, *, database_url: str) -> None:
        self.folder = folder
        self.web_port, self.sandbox_port = _free_port(), _free_port()
        self.url = f"http://127.0.0.1:{self.web_port}/api/v1"
        self.sandbox = f"http://127.0.0.1:{self.sandbox_port}"
        redis = settings.REDIS_URL.rstrip("/").removesuffix("/0")
        self.env = os.environ | {
            "ENVIRONMENT": "test",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis,
            "CELERY_BROKER_URL": f"{redis}/14",
            "CACHE_URL": f"{redis}/15",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "FIELD_ENCRYPTION_KEYS": secrets.token_urlsafe(48),
            "SANDBOX_URL": self.sandbox,
            "SANDBOX_SECRET": "whsec_" + "c2VjcmV0LW9mLXRoZS1zYW5kYm94LXJlY2VpdmVy",
            "RATE_LIMIT_PUBLIC_FORM": "1000/m",
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def manage(self, *arguments: str) -> None:
        """Run a manage.py command to its end."""
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            check=True,
            capture_output=True,
        )

    def start(self, name: str) -> None:
        """Start a process of the house; what it says goes to a file."""
        bin_ = Path(sys.executable).parent
        commands: dict[str, list[str | Path]] = {
            "web": [
                bin_ / "granian",
                "--interface=wsgi",
                "--host=127.0.0.1",
                f"--port={self.web_port}",
                "--blocking-threads=4",
                "config.wsgi:application",
            ],
            "worker": list(WORKER),
            "caller": list(CALLER),
            "beat": [
                *(bin_ / "celery", "-A", "config", "beat"),
                f"--schedule={self.folder / 'beat'}",
            ],
            "sandbox": [
                *(sys.executable, "manage.py", "sandbox"),
                f"--port={self.sandbox_port}",
            ],
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                commands[name],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """Kill a process and its children as hard as it goes."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for name in list(self.processes):
            self.kill(name)

    def sign_in(self, mailbox: str) -> dict[str, str]:
        """Sign in as one of the demo's users; return the header that proves it."""
        answer = httpx2.post(
            f"{self.url}/auth/token",
            json={"email": address(mailbox), "password": PASSWORD},
        )
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access']}"}

    def logs(self) -> str:
        """Return the last lines that each process wrote."""
        return "\n".join(
            f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}"
            for log in sorted(self.folder.glob("*.log"))
        )


def eventually(ask: Callable[[], Any], *, stack: Stack, what: str) -> Any:
    """Ask until the answer is true; return it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if answer := ask():
                return answer
        except httpx2.TransportError:
            pass  # not up yet
        time.sleep(0.1)
    pytest.fail(f"{what}: not within {PATIENCE:.0f} s.\n{stack.logs()}")


def _free_port() -> int:
    """Return a free port below the range that outgoing connections use."""
    for _ in range(200):
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("No free port found.")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start the house once, with the demo company in it."""
    given = settings.DATABASES["default"]
    name = f"chain_{secrets.token_hex(4)}"
    place = f"{given['HOST']}:{given['PORT']}"
    login = f"postgres://{given['USER']}:{given['PASSWORD']}@{place}"
    with psycopg.connect(f"{login}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    house = Stack(tmp_path_factory.mktemp("chain"), database_url=f"{login}/{name}")
    house.manage("migrate", "--verbosity=0")
    house.manage("seed_demo")
    try:
        for process in ("sandbox", "web", "worker", "caller", "beat"):
            house.start(process)
        health = house.url.replace("/api/v1", "/healthz")
        eventually(
            lambda: httpx2.get(health).status_code == 200, stack=house, what="web is up"
        )
        yield house
    finally:
        house.stop()
        with psycopg.connect(f"{login}/postgres", autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
