"""The web servers under measurement: the same granian for every program."""

import http.client
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bench.load import Request
from config.local.bootstrap import ROOT
from config.local.processes import CannotRun, Program, end_group, free_port
from config.local.supervisor import Child, Supervisor

START_SECONDS = 60
STOP_SECONDS = 20
WORKERS = 2


@dataclass(frozen=True, kw_only=True)
class Web:
    """A running web server."""

    name: str
    port: int
    child: Child

    @property
    def pid(self) -> int:
        return self.child.process.pid

    def ask(self, request: Request) -> tuple[int, bytes]:
        """Send one request; return status and body."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Accept": "application/json", **request.headers}
        if request.body:
            headers["Content-Type"] = "application/json"
        try:
            line.request(
                request.method, request.path, body=request.body, headers=headers
            )
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()

    def answer(self, request: Request) -> Any:
        """Return the JSON that a request is answered with; it must succeed."""
        status, body = self.ask(request)
        if status >= HTTPStatus.BAD_REQUEST:
            raise CannotRun(
                f"{self.name} answers {request.method} {request.path} with {status}: "
                f"{body[:500].decode(errors='replace')}"
            )
        return json.loads(body)


def start_web(
    supervisor: Supervisor,
    *,
    name: str,
    target: str,
    environment: Mapping[str, str],
    folder: Path,
) -> Web:
    """Serve a WSGI program as production does, and wait for its first answer."""
    port = free_port()
    child = supervisor.start(
        Program(
            name=f"The web server of {name}",
            command=[
                *(sys.executable, "-m", "granian", target),
                *("--interface", "wsgi", "--no-ws", "--log-level", "warning"),
                *("--host", "127.0.0.1", "--port", str(port)),
                *("--workers", str(WORKERS), "--blocking-threads", "4"),
            ],
            environment=environment,
            folder=ROOT,
            log=folder / f"web-{name}.log",
        )
    )
    web = Web(name=name, port=port, child=child)
    supervisor.wait_until(lambda: _answers(web), child=child, seconds=START_SECONDS)
    time.sleep(0.5)  # the other worker
    return web


def stop_web(supervisor: Supervisor, web: Web) -> None:
    """Stop a web server, so that its database may be replaced."""
    supervisor.children.remove(web.child)
    web.child.process.terminate()
    try:
        web.child.process.wait(timeout=STOP_SECONDS)
    finally:
        end_group(web.child.process)


def _answers(web: Web) -> bool:
    try:
        return web.ask(Request(path="/api/v1/ping"))[0] == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
