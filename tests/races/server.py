"""One web server as in production: granian with several processes."""

import os
import secrets
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent
PROCESSES = 3
PATIENCE = 60.0  # seconds for the start, on a machine with much else to do


class Server:
    """The API of the house on the database of this test run."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self._log = folder / "web.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [
            str(Path(sys.executable).parent / "granian"),
            *("--interface", "wsgi", "--no-ws", "--log-level", "warning"),
            *("--host", "127.0.0.1", "--port", str(self.port)),
            *("--workers", str(PROCESSES), "--blocking-threads", "4"),
            "config.wsgi:application",
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=_environment(), stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        while not self._is_up():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"The server does not start.\n{self.log()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End all its processes, and with them their connections."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def log(self) -> str:
        """Return what its processes said."""
        return self._log.read_text(errors="replace")

    def workers(self) -> int:
        """Return how many processes serve."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        return sum(len(listed.read_text().split()) for listed in children)

    def _is_up(self) -> bool:
        probe = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            probe.request("GET", "/healthz")
            return probe.getresponse().status == 200
        except OSError:
            return False
        finally:
            probe.close()


def _environment() -> dict[str, str]:
    """Return production's settings, but for limits that a crowd would run into."""
    database = connection.settings_dict
    login = f"{database['USER']}:{database['PASSWORD']}"
    place = f"{database['HOST']}:{database['PORT']}"
    redis = settings.REDIS_URL.rstrip("/").removesuffix("/0")
    ours = {name: value for name, value in os.environ.items() if "DATABASE" not in name}
    return ours | {
        "ENVIRONMENT": "production",
        "ALLOWED_HOSTS": "127.0.0.1",
        "USE_HTTPS": "false",
        "SECRET_KEY": settings.SECRET_KEY,
        "DATABASE_URL": f"postgres://{login}@{place}/{database['NAME']}",
        "REDIS_URL": redis,
        # Out of reach of the tests that empty a database of Redis before they begin.
        "CACHE_URL": f"{redis}/12",
        "CELERY_BROKER_URL": f"{redis}/13",
        "RATE_LIMIT_USER": "1000000/m",
        "RATE_LIMIT_ANONYMOUS": "1000000/m",
        "RATE_LIMIT_PUBLIC_FORM": "1000000/m",
    }


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
